/* page.c - see page.h. A page names what it holds by marks: the style and the drawing functions
 * that pages share, and its data. */
#include "page.h"
#include "backend.h"

#include <stdlib.h>
#include <string.h>

/* JSON that can stand in a script: nothing in it closes that. */
static const char *script_json(Arena *arena, json_t *data) {
  Text out = {.arena = arena};
  char *text = json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(6));
  for (const char *c = text; *c; c++) text_add(&out, *c == '<' ? "\\u003c" : "%c", *c);
  free(text);
  return out.at;
}

void page_print(Text *out, const char *name, json_t *data) {
  const struct {
    const char *mark, *text;
  } parts[] = {{"/*STYLE*/", runtime_file("pages/page.css")},
               {"/*DATA*/", script_json(out->arena, data)},
               {"/*DRAW*/", runtime_file("pages/draw.js")}}; /* as they come in a page */
  const char *at = runtime_file(name);
  for (int i = 0; i < COUNT(parts); i++) {
    const char *mark = strstr(at, parts[i].mark);
    if (!mark) BUG("%s has no %s", name, parts[i].mark);
    text_append(out, at, (size_t)(mark - at));
    text_add(out, "%s", parts[i].text);
    at = mark + strlen(parts[i].mark);
  }
  text_add(out, "%s", at);
  json_decref(data);
}
