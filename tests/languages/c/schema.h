/* What the derive of the SDK of Rust makes of the settings in `../rust`. */

#pragma once

#define FOLDERS "\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":100"
#define SETTING(name, title, description, more) \
  "\"" name "\":{\"title\":\"" title "\",\"description\":\"" description "\"," more "}"
#define WHOLE(most, otherwise) "\"type\":\"integer\",\"minimum\":1,\"maximum\":" most ",\"default\":" otherwise
#define CHOICE(of, otherwise) "\"type\":\"string\",\"enum\":[" of "],\"default\":\"" otherwise "\""

#define SCHEMA                                                                                                       \
  "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"properties\":{"               \
  SETTING("paths", "Paths", "Folders to look through.", FOLDERS ",\"minItems\":1") ","                              \
  SETTING("exclusions", "Exclusions", "Folders in them that are passed over.", FOLDERS ",\"default\":[]") ","       \
  SETTING("depth", "Depth", "Levels of folders.", WHOLE("1000", "100")) ","                                         \
  SETTING("largest-file", "Largest file", "Bytes of the largest file that is read.",                                \
          WHOLE("1000000000000", "100000000")) ","                                                                  \
  SETTING("archives", "Archives", "Whether archives are opened.", "\"type\":\"boolean\",\"default\":true") ","      \
  SETTING("mail", "Mail", "Whether mail is opened.", "\"type\":\"boolean\",\"default\":true") ","                   \
  SETTING("threads", "Threads", "Files that are read at once.", WHOLE("64", "1")) ","                               \
  SETTING("heuristics", "Heuristics", "How much is guessed.", CHOICE("\"off\",\"low\",\"high\"", "low")) ","        \
  SETTING("on-detection", "On detection", "What becomes of a file that is detected.",                               \
          CHOICE("\"report\",\"quarantine\"", "report")) ","                                                        \
  SETTING("quarantine-folder", "Quarantine folder", "Where detected files are moved to.", "\"type\":\"string\"")    \
  "},\"required\":[\"paths\"],\"additionalProperties\":false}"
