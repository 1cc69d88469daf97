/* picture_png.c - PNG pictures, by libpng: any depth becomes 8 bits, palettes become colours,
 * transparency is left out. */
#include "picture.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

typedef struct Reader {
  Unit *u;
  const char *file, *at, *end; /* what is left of the file */
  png_structp png;
  png_infop info;
  unsigned char *pixels; /* [h,w,c] */
  png_bytep *row;
  Picture *p;
} Reader;

static void on_error(png_structp png, png_const_charp text) {
  Reader *r = png_get_error_ptr(png);
  diag_error_in(r->u, r->file, "not a complete PNG picture: %s", text);
  longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png, (void)text;
}

static void on_read(png_structp png, png_bytep to, png_size_t n) {
  Reader *r = png_get_io_ptr(png);
  if ((size_t)(r->end - r->at) < n) png_error(png, "the file is cut off");
  memcpy(to, r->at, n);
  r->at += n;
}

static void read_header(Reader *r) {
  png_read_info(r->png, r->info);
  r->p->w = png_get_image_width(r->png, r->info);
  r->p->h = png_get_image_height(r->png, r->info);
  if (r->p->w > MAX_EXTENT || r->p->h > MAX_EXTENT || r->p->w * r->p->h > MAX_PIXELS)
    png_error(r->png, "it is too large");
  png_set_expand(r->png);
  png_set_strip_16(r->png);
  png_set_strip_alpha(r->png);
  png_set_interlace_handling(r->png);
  png_read_update_info(r->png, r->info);
  r->p->c = png_get_channels(r->png, r->info);
}

static void read_pixels(Reader *r) {
  Picture *p = r->p;
  int64_t area = p->h * p->w;
  r->pixels = arena_array(r->u->arena, (size_t)p->c, (size_t)area);
  r->row = NEW_ARRAY(r->u->arena, png_bytep, p->h);
  for (int64_t y = 0; y < p->h; y++) r->row[y] = r->pixels + y * p->w * p->c;
  png_read_image(r->png, r->row);
  png_read_end(r->png, NULL);
  p->at = NEW_ARRAY(r->u->arena, float, p->c *area);
  for (int64_t i = 0; i < area; i++)
    for (int64_t c = 0; c < p->c; c++) p->at[c * area + i] = (float)r->pixels[i * p->c + c];
}

/* What changes lies in the Reader: errors come back here by a long jump. */
static bool read(Reader *r) {
  if (setjmp(png_jmpbuf(r->png))) return false;
  png_set_read_fn(r->png, r, on_read);
  read_header(r);
  read_pixels(r);
  return true;
}

bool picture_parse_png(Unit *u, const char *file, const char *bytes, size_t size, Picture *p) {
  Reader r = {.u = u, .file = file, .at = bytes, .end = bytes + size, .p = p};
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
  r.info = r.png ? png_create_info_struct(r.png) : NULL;
  bool fine = r.info && read(&r);
  png_destroy_read_struct(&r.png, &r.info, NULL);
  return fine;
}
