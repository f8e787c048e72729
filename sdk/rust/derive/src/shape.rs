//! The constants of a type.

use crate::attributes::{Attributes, Default, Keyword, wrong};
use crate::json::quoted;
use crate::names;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Field, Fields, Ident, Result, Type};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let attributes = Attributes::read(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !attributes.transparent => {
                object(&attributes, fields.named.iter())?
            }
            Fields::Unit => object(&attributes, std::iter::empty())?,
            fields => match fields.iter().collect::<Vec<_>>().as_slice() {
                [field] => transparent(&attributes, field)?,
                _ => {
                    return Err(wrong(
                        fields,
                        "settings have names; write a struct with named fields",
                    ));
                }
            },
        },
        Data::Enum(data) => choice(&attributes, data)?,
        Data::Union(_) => return Err(wrong(&input.ident, "a union has no schema")),
    };
    let name = &input.ident;
    let (generics, of, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::muster_sdk::JsonSchema for #name #of #bounds {
            #body
        }
    })
}

/// A struct with named fields: an object that takes no others.
fn object<'a>(
    attributes: &Attributes,
    fields: impl Iterator<Item = &'a Field>,
) -> Result<TokenStream> {
    let about = about(attributes, None);
    let own = keywords(&attributes.keywords, None);
    let (mut list, mut known) = (Vec::new(), Vec::new());
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let read = Attributes::read(&field.attrs)?;
        if read.skip {
            continue;
        }
        let name = read
            .rename
            .clone()
            .unwrap_or_else(|| names::field(ident, attributes.rename_all));
        let rust = ident.to_string();
        known.push(quote! { (#rust, #name) });
        list.push(property(attributes, &read, field, ident, &name));
    }
    Ok(quote! {
        const SCHEMA: &'static ::muster_sdk::schema::Schema = &::muster_sdk::schema::Schema {
            keywords: &[
                #about
                ::muster_sdk::schema::Keyword { name: "type", value: ::muster_sdk::schema::Json::Raw("\"object\"") },
                ::muster_sdk::schema::Keyword { name: "properties", value: ::muster_sdk::schema::Json::Properties(&[#(#list),*]) },
                #own
            ],
            base: ::core::option::Option::None,
        };
        const FIELDS: &'static [(&'static str, &'static str)] = &[#(#known),*];
    })
}

fn property(
    of: &Attributes,
    read: &Attributes,
    field: &Field,
    ident: &Ident,
    name: &str,
) -> TokenStream {
    let ty = read.with.as_ref().unwrap_or(&field.ty);
    let about = about(read, Some(&names::title(ident)));
    let own = keywords(&read.keywords, Some(ty));
    let inner = if read.inner.is_empty() {
        TokenStream::new()
    } else {
        let inner = keywords(&read.inner, None);
        quote! {
            ::muster_sdk::schema::Keyword { name: "items", value: ::muster_sdk::schema::Json::Schema(&::muster_sdk::schema::Schema {
                keywords: &[#inner],
                base: ::core::option::Option::Some(<#ty as ::muster_sdk::JsonSchema>::ITEM),
            }) },
        }
    };
    let value = match (&read.default, &of.default) {
        (Some(Default::Function(path)), _) => Some(quote! { #path() }),
        (Some(Default::OfType), _) => {
            let ty = &field.ty;
            Some(quote! { <#ty as ::core::default::Default>::default() })
        }
        (None, Some(Default::Function(path))) => Some(quote! { #path().#ident }),
        (None, Some(Default::OfType)) => {
            Some(quote! { <Self as ::core::default::Default>::default().#ident })
        }
        (None, None) => None,
    };
    let optional = value.is_some();
    // A list that has to have something in it cannot be empty by default; then it is only left out.
    let full = read
        .keywords
        .iter()
        .any(|keyword| matches!(keyword, Keyword::Shortest(least) if least != "0"));
    let default = value.map(|value| {
        quote! {
            ::muster_sdk::schema::Keyword { name: "default", value: ::muster_sdk::schema::Json::Value(|out| {
                let value = #value;
                ::muster_sdk::schema::default_json(&value, #full, out)
            }) },
        }
    });
    quote! {
        ::muster_sdk::schema::Property {
            name: #name,
            required: !(#optional || <#ty as ::muster_sdk::JsonSchema>::OPTIONAL),
            schema: ::muster_sdk::schema::Schema {
                keywords: &[#about #own #inner #default],
                base: ::core::option::Option::Some(<#ty as ::muster_sdk::JsonSchema>::SCHEMA),
            },
        }
    }
}

/// A struct around one value, which is that value in JSON.
fn transparent(attributes: &Attributes, field: &Field) -> Result<TokenStream> {
    let read = Attributes::read(&field.attrs)?;
    let ty = read.with.as_ref().unwrap_or(&field.ty);
    let about = about(attributes, None);
    let own = keywords(&attributes.keywords, Some(ty));
    let of_field = keywords(&read.keywords, Some(ty));
    let access = if let Some(ident) = &field.ident {
        quote! { #ident }
    } else {
        quote! { 0 }
    };
    Ok(quote! {
        const SCHEMA: &'static ::muster_sdk::schema::Schema = &::muster_sdk::schema::Schema {
            keywords: &[#about #own #of_field],
            base: ::core::option::Option::Some(<#ty as ::muster_sdk::JsonSchema>::SCHEMA),
        };
        const ITEM: &'static ::muster_sdk::schema::Schema = <#ty as ::muster_sdk::JsonSchema>::ITEM;
        const SHORTEST: &'static str = <#ty as ::muster_sdk::JsonSchema>::SHORTEST;
        const LONGEST: &'static str = <#ty as ::muster_sdk::JsonSchema>::LONGEST;
        const OPTIONAL: bool = <#ty as ::muster_sdk::JsonSchema>::OPTIONAL;

        fn to_json(&self, out: &mut ::std::string::String) -> bool {
            ::muster_sdk::JsonSchema::to_json(&self.#access, out)
        }
    })
}

/// An enum without data: a choice of names.
fn choice(attributes: &Attributes, data: &DataEnum) -> Result<TokenStream> {
    let about = about(attributes, None);
    let own = keywords(&attributes.keywords, None);
    let (mut list, mut arms) = (Vec::new(), Vec::new());
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(wrong(
                variant,
                "a choice here is between names; put what belongs to one into a field of its own, and check in validate that they go together",
            ));
        }
        let read = Attributes::read(&variant.attrs)?;
        let ident = &variant.ident;
        let name = read
            .rename
            .unwrap_or_else(|| names::variant(ident, attributes.rename_all));
        let json = quoted(&name);
        if !read.skip {
            list.push(json.clone());
        }
        arms.push(quote! { Self::#ident => #json });
    }
    let list = format!("[{}]", list.join(","));
    Ok(quote! {
        const SCHEMA: &'static ::muster_sdk::schema::Schema = &::muster_sdk::schema::Schema {
            keywords: &[
                #about
                ::muster_sdk::schema::Keyword { name: "type", value: ::muster_sdk::schema::Json::Raw("\"string\"") },
                ::muster_sdk::schema::Keyword { name: "enum", value: ::muster_sdk::schema::Json::Raw(#list) },
                #own
            ],
            base: ::core::option::Option::None,
        };

        fn to_json(&self, out: &mut ::std::string::String) -> bool {
            out.push_str(match self { #(#arms),* });
            true
        }
    })
}

fn about(attributes: &Attributes, title: Option<&str>) -> TokenStream {
    let title = attributes
        .title
        .as_deref()
        .or(title)
        .map(|title| raw("title", &quoted(title)));
    let description = attributes.description.as_deref();
    let description = description.map(|text| raw("description", &quoted(text)));
    quote! { #title #description }
}

fn raw(name: &str, json: &str) -> TokenStream {
    quote! {
        ::muster_sdk::schema::Keyword { name: #name, value: ::muster_sdk::schema::Json::Raw(#json) },
    }
}

/// Keywords; what limits a length is called as it is for the type, a text if none is given.
fn keywords(keywords: &[Keyword], ty: Option<&Type>) -> TokenStream {
    let length = |of_type: TokenStream, of_text: &str, value: &str| {
        let name = ty.map_or(quote! { #of_text }, |ty| {
            quote! { <#ty as ::muster_sdk::JsonSchema>::#of_type }
        });
        quote! {
            ::muster_sdk::schema::Keyword { name: #name, value: ::muster_sdk::schema::Json::Raw(#value) },
        }
    };
    keywords
        .iter()
        .map(|keyword| match keyword {
            Keyword::Plain(name, json) => raw(name, json),
            Keyword::Shortest(least) => length(quote! { SHORTEST }, "minLength", least),
            Keyword::Longest(most) => length(quote! { LONGEST }, "maxLength", most),
        })
        .collect()
}
