//! A vendor's release of a plug-in: the component, what its signer states of it, the signatures,
//! and the forms in which these travel.
