/* The same plug-in as in `../rust`, `../javascript` and `../python`, by the bindings that wit-bindgen makes. */

#include "json.h"
#include "schema.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of a text, or of a param, that a server takes, less a little. */
#define LONGEST 3990
/* A path here has one finding, and there are 200 of them at most; a server takes 1000. */
#define MOST_FINDINGS 1000

typedef muster_plugin_types_finding_t finding_t;
typedef muster_plugin_types_list_finding_t findings_t;
typedef exports_muster_plugin_translate_command_t command_t;
typedef exports_muster_plugin_translate_step_t step_t;
typedef exports_muster_plugin_translate_value_t value_t;
typedef exports_muster_plugin_translate_refusal_t refusal_t;
typedef exports_muster_plugin_translate_profile_t profile_t;

/* Memory that is all zero: empty lists, and options that are not there. */
static void *zeroed(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) abort();
  return memory;
}

void exports_muster_plugin_describe_describe(exports_muster_plugin_describe_description_t *description) {
  static const exports_muster_plugin_describe_task_kind_t kinds[] = {
      EXPORTS_MUSTER_PLUGIN_DESCRIBE_TASK_KIND_LOCAL,
      EXPORTS_MUSTER_PLUGIN_DESCRIBE_TASK_KIND_GROUP,
      EXPORTS_MUSTER_PLUGIN_DESCRIBE_TASK_KIND_GLOBAL,
  };
  exports_muster_plugin_describe_example_t *example = zeroed(1, sizeof *example);
  example->title = text("Home folders");
  example->settings = text("{\"paths\":[\"/home\"]}");

  exports_muster_plugin_describe_task_type_t *scan = zeroed(1, sizeof *scan);
  scan->id = text("scan");
  scan->title = text("Scan");
  scan->summary = text("Looks through folders.");
  scan->kinds.ptr = (void *)kinds;
  scan->kinds.len = sizeof kinds / sizeof *kinds;
  scan->settings_schema = text(SCHEMA);
  scan->schema_version = 1;
  scan->examples.ptr = example;
  scan->examples.len = 1;
  scan->needs = EXPORTS_MUSTER_PLUGIN_DESCRIBE_APPLICATION_STATE_RUNNING;
  scan->time_limit = 600;

  memset(description, 0, sizeof *description);
  description->application = text("org.example.language");
  description->name = text("Language");
  description->vendor = text("Example");
  description->version = text("1.0.0");
  description->manages = text("*");
  description->task_types.ptr = scan;
  description->task_types.len = 1;
}

/* A place in the settings: the entry of a list, or a setting that is none. It becomes a text where
 * something is found. */
typedef struct {
  const char *setting;
  bool is_list;
  size_t index;
} place_t;

static text_t pointer_to(place_t place) {
  text_t setting = text_join(2, text("/"), text(place.setting));
  return place.is_list ? text_join(3, setting, text("/"), text_of_number(place.index)) : setting;
}

static finding_t *found(findings_t *findings, muster_plugin_types_level_t level, text_t pointer, const char *code,
                        text_t sentence) {
  if (findings->ptr == NULL) findings->ptr = zeroed(MOST_FINDINGS, sizeof(finding_t));
  if (findings->len == MOST_FINDINGS) abort();
  finding_t *finding = &findings->ptr[findings->len++];
  finding->level = level;
  finding->pointer = pointer;
  finding->code = text(code);
  finding->text = text_plain(sentence, LONGEST + 3);
  return finding;
}

static bool has_dots(text_t path) {
  size_t begin = 0;
  for (size_t at = 0; at <= path.len; at += 1) {
    if (at < path.len && path.ptr[at] != '/') continue;
    text_t part = {.ptr = path.ptr + begin, .len = at - begin};
    if (text_is(part, ".") || text_is(part, "..")) return true;
    begin = at + 1;
  }
  return false;
}

static bool check_path(text_t path, place_t place, findings_t *findings) {
  const char *code;
  text_t sentence;
  if (!text_starts_with(path, text("/"))) {
    code = "path-relative";
    sentence = text_join(3, text("\""), path, text("\" is a relative path; write it from / on."));
  } else if (text_has_control_character(path)) {
    code = "path-control-character";
    sentence = text("The path holds a line break or another control character.");
  } else if (has_dots(path)) {
    code = "path-not-plain";
    sentence = text_join(3, text("\""), path, text("\" holds . or .. parts; write where it leads."));
  } else {
    return true;
  }
  finding_t *finding = found(findings, MUSTER_PLUGIN_TYPES_LEVEL_ERROR, pointer_to(place), code, sentence);
  finding->params.ptr = zeroed(1, sizeof *finding->params.ptr);
  finding->params.len = 1;
  finding->params.ptr->f0 = text("path");
  finding->params.ptr->f1 = text_cut(path, LONGEST);
  return false;
}

static text_t bare(text_t path) {
  while (path.len > 0 && path.ptr[path.len - 1] == '/') path.len -= 1;
  return path;
}

static bool covers(text_t folder, text_t path) {
  folder = bare(folder);
  if (!text_starts_with(path, folder)) return false;
  return path.len == folder.len || path.ptr[folder.len] == '/';
}

static void check_paths(const json_t *settings, findings_t *findings) {
  place_t place = {.setting = "paths", .is_list = true};
  for (const json_t *one = json_values(settings, "paths"); one != NULL; one = one->next, place.index += 1) {
    if (!check_path(one->text, place, findings)) continue;
    for (const json_t *other = json_values(settings, "paths"); other != NULL; other = other->next) {
      if (other == one || !covers(other->text, one->text)) continue;
      text_t sentence = text_join(4, one->text, text(" lies in "), other->text, text("."));
      found(findings, MUSTER_PLUGIN_TYPES_LEVEL_WARNING, pointer_to(place), "paths-overlap", sentence);
      break;
    }
  }
}

static void check_exclusions(const json_t *settings, findings_t *findings) {
  place_t place = {.setting = "exclusions", .is_list = true};
  for (const json_t *one = json_values(settings, "exclusions"); one != NULL; one = one->next, place.index += 1) {
    if (!check_path(one->text, place, findings)) continue;
    const json_t *folder = json_values(settings, "paths");
    while (folder != NULL && !covers(folder->text, one->text)) folder = folder->next;
    if (folder != NULL) continue;
    text_t sentence = text_join(2, one->text, text(" is not scanned anyway."));
    found(findings, MUSTER_PLUGIN_TYPES_LEVEL_NOTICE, pointer_to(place), "exclusion-elsewhere", sentence);
  }
}

static bool quarantines(const json_t *settings) {
  return text_is(json_text(settings, "on-detection", "report"), "quarantine");
}

/* What the schema cannot say. */
static void check(const json_t *settings, findings_t *findings) {
  check_paths(settings, findings);
  check_exclusions(settings, findings);
  place_t place = {.setting = "quarantine-folder"};
  if (json_member(settings, "quarantine-folder") != NULL) {
    check_path(json_text(settings, "quarantine-folder", ""), place, findings);
  } else if (quarantines(settings)) {
    text_t sentence = text("There is no folder for the quarantine.");
    found(findings, MUSTER_PLUGIN_TYPES_LEVEL_ERROR, pointer_to(place), "quarantine-missing", sentence);
  }
}

/* The settings, or what is wrong with all of them. */
static const json_t *read(text_t text_of_settings, findings_t *findings) {
  const json_t *settings = json_read(text_of_settings);
  if (settings != NULL && settings->kind == JSON_OBJECT) return settings;
  found(findings, MUSTER_PLUGIN_TYPES_LEVEL_ERROR, text(""), "not-an-object", text("The settings are no JSON object."));
  return NULL;
}

bool exports_muster_plugin_validate_validate(management_plugin_string_t *task_type, exports_muster_plugin_validate_json_t *settings,
                                             exports_muster_plugin_validate_verdict_t *verdict,
                                             exports_muster_plugin_validate_failure_t *failure) {
  findings_t findings = {.ptr = NULL, .len = 0};
  if (!text_is(*task_type, "scan")) {
    failure->tag = MUSTER_PLUGIN_TYPES_FAILURE_UNKNOWN_TASK_TYPE;
    return false;
  }
  const json_t *given = read(*settings, &findings);
  if (given == NULL) {
    failure->tag = MUSTER_PLUGIN_TYPES_FAILURE_INVALID;
    failure->val.invalid = findings;
    return false;
  }
  check(given, &findings);
  verdict->findings.ptr = findings.ptr;
  verdict->findings.len = findings.len;
  return true;
}

static void argument(step_t *step, text_t one) {
  value_t *value = &step->arguments.ptr[step->arguments.len++];
  value->tag = EXPORTS_MUSTER_PLUGIN_TRANSLATE_VALUE_LITERAL;
  value->val.literal = one;
}

static void option(step_t *step, const char *name, text_t value) {
  argument(step, text_join(2, text(name), value));
}

static text_t flag(const json_t *settings, const char *name) {
  return text(json_flag(settings, name, true) ? "true" : "false");
}

static size_t count(const json_t *one) {
  size_t count = 0;
  for (; one != NULL; one = one->next) count += 1;
  return count;
}

/* A command of some arguments. */
static void command(const json_t *settings, command_t *command) {
  const json_t *paths = json_values(settings, "paths"), *exclusions = json_values(settings, "exclusions");
  step_t *step = zeroed(1, sizeof *step);
  step->program = text("scanner");
  step->arguments.ptr = zeroed(7 + count(paths) + count(exclusions), sizeof(value_t));
  step->keep.head = 4096;
  step->keep.tail = 4096;
  option(step, "--depth=", json_text(settings, "depth", "100"));
  option(step, "--largest-file=", json_text(settings, "largest-file", "100000000"));
  option(step, "--archives=", flag(settings, "archives"));
  option(step, "--mail=", flag(settings, "mail"));
  option(step, "--threads=", json_text(settings, "threads", "1"));
  option(step, "--heuristics=", json_text(settings, "heuristics", "low"));
  if (quarantines(settings)) option(step, "--quarantine=", json_text(settings, "quarantine-folder", ""));
  for (; exclusions != NULL; exclusions = exclusions->next) option(step, "--exclude=", exclusions->text);
  for (; paths != NULL; paths = paths->next) argument(step, paths->text);
  memset(command, 0, sizeof *command);
  command->steps.ptr = step;
  command->steps.len = 1;
}

static bool any_error(const findings_t *findings) {
  for (size_t at = 0; at < findings->len; at += 1) {
    if (findings->ptr[at].level == MUSTER_PLUGIN_TYPES_LEVEL_ERROR) return true;
  }
  return false;
}

void exports_muster_plugin_translate_translate(management_plugin_string_t *task_type,
                                               exports_muster_plugin_translate_json_t *settings,
                                               exports_muster_plugin_translate_list_profile_t *profiles,
                                               exports_muster_plugin_translate_list_result_command_refusal_t *answers) {
  findings_t findings = {.ptr = NULL, .len = 0};
  bool is_known = text_is(*task_type, "scan");
  const json_t *given = is_known ? read(*settings, &findings) : NULL;
  if (given != NULL) check(given, &findings);
  answers->ptr = zeroed(profiles->len, sizeof *answers->ptr);
  answers->len = profiles->len;
  for (size_t at = 0; at < profiles->len; at += 1) {
    const profile_t *profile = &profiles->ptr[at];
    refusal_t *refusal = &answers->ptr[at].val.err;
    answers->ptr[at].is_err = true;
    if (!is_known) {
      refusal->tag = EXPORTS_MUSTER_PLUGIN_TRANSLATE_REFUSAL_UNKNOWN_TASK_TYPE;
    } else if (any_error(&findings)) {
      refusal->tag = EXPORTS_MUSTER_PLUGIN_TRANSLATE_REFUSAL_INVALID;
      refusal->val.invalid.ptr = findings.ptr;
      refusal->val.invalid.len = findings.len;
    } else if (!text_is(profile->platform, "linux")) {
      refusal->tag = EXPORTS_MUSTER_PLUGIN_TRANSLATE_REFUSAL_UNSUPPORTED;
      refusal->val.unsupported = text_join(2, profile->platform, text(" is not known."));
    } else {
      answers->ptr[at].is_err = false;
      command(given, &answers->ptr[at].val.ok);
    }
  }
}
