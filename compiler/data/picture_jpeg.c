/* picture_jpeg.c - JPEG pictures, by libjpeg: grey, or red, green and blue. */
#include "picture.h"

#include <setjmp.h>
#include <string.h>

#include <jpeglib.h>

typedef struct Reader {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  jmp_buf failed;
  Unit *u;
  const char *file;
  Picture *p;
  unsigned char *row;
} Reader;

static void fail(Reader *r, const char *text) {
  diag_error_in(r->u, r->file, "not a complete JPEG picture: %s", text);
  longjmp(r->failed, 1);
}

static void on_error(j_common_ptr jpeg) {
  char text[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, text);
  fail(jpeg->client_data, text);
}

/* Warnings of data that is damaged or cut off are errors; traces are nothing. */
static void on_message(j_common_ptr jpeg, int level) {
  if (level < 0) on_error(jpeg);
}

static void read_header(Reader *r, const char *bytes, size_t size) {
  jpeg_mem_src(&r->jpeg, (const unsigned char *)bytes, (unsigned long)size);
  jpeg_read_header(&r->jpeg, TRUE);
  r->jpeg.out_color_space = r->jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  *r->p = (Picture){.h = r->jpeg.image_height, .w = r->jpeg.image_width};
  if (r->p->h > MAX_EXTENT || r->p->w > MAX_EXTENT || r->p->h * r->p->w > MAX_PIXELS)
    fail(r, "it is too large");
  jpeg_start_decompress(&r->jpeg);
  r->p->c = r->jpeg.output_components;
}

static void read_pixels(Reader *r) {
  Picture *p = r->p;
  int64_t area = p->h * p->w;
  p->at = NEW_ARRAY(r->u->arena, float, p->c *area);
  r->row = arena_array(r->u->arena, (size_t)p->c, (size_t)p->w);
  for (int64_t y = 0; y < p->h; y++) {
    jpeg_read_scanlines(&r->jpeg, &r->row, 1);
    for (int64_t x = 0; x < p->w; x++)
      for (int64_t c = 0; c < p->c; c++)
        p->at[c * area + y * p->w + x] = (float)r->row[x * p->c + c];
  }
  jpeg_finish_decompress(&r->jpeg);
}

/* What changes lies in the Reader: errors come back here by a long jump. */
static bool read(Reader *r, const char *bytes, size_t size) {
  if (setjmp(r->failed)) return false;
  jpeg_create_decompress(&r->jpeg);
  read_header(r, bytes, size);
  read_pixels(r);
  return true;
}

bool picture_parse_jpeg(Unit *u, const char *file, const char *bytes, size_t size, Picture *p) {
  Reader *r = NEW(u->arena, Reader);
  r->u = u, r->file = file, r->p = p;
  r->jpeg.err = jpeg_std_error(&r->errors);
  r->jpeg.client_data = r;
  r->errors.error_exit = on_error;
  r->errors.emit_message = on_message;
  bool fine = read(r, bytes, size);
  jpeg_destroy_decompress(&r->jpeg);
  return fine;
}
