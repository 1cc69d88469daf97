/* settings.c - what a layer, or the use of a block, says about its parameters: freeze, decay,
 * lr_scale, init. What is not said is inherited from the block around it. */
#include <math.h>

#include "read.h"

static void read_init(Reader *r, json_t *value, const Path *path, Settings *s) {
  static const char *const words[] = {
      [INIT_DEFAULT] = "default", [INIT_HE] = "he", [INIT_XAVIER] = "xavier",
      [INIT_LECUN] = "lecun",     [3 + 1] = NULL,
  };
  static const char *const keys[] = {"constant", NULL};
  int32_t word;
  if (!json_is_object(value)) {
    if (read_choice(r, value, path, words, &word)) s->init = (InitKind)word;
    return;
  }
  read_check_keys(r, value, path, keys);
  json_t *constant = json_object_get(value, "constant");
  if (!constant)
    diag_error(r->u, path, "init must be a word or {\"constant\": a number}");
  else if (read_real(r, NULL, constant, read_path(r, path, "constant"), -INFINITY, INFINITY,
                     &s->init_value))
    s->init = INIT_CONSTANT;
}

Settings read_settings(Reader *r, const Scope *scope, json_t *layer, const Path *path) {
  Settings s = scope->settings;
  json_t *value;
  if ((value = json_object_get(layer, "freeze")))
    read_bool(r, value, read_path(r, path, "freeze"), &s.freeze);
  if ((value = json_object_get(layer, "decay")))
    read_bool(r, value, read_path(r, path, "decay"), &s.decay);
  if ((value = json_object_get(layer, "lr_scale")))
    read_real(r, scope, value, read_path(r, path, "lr_scale"), 0, INFINITY, &s.lr_scale);
  if ((value = json_object_get(layer, "init"))) read_init(r, value, read_path(r, path, "init"), &s);
  return s;
}
