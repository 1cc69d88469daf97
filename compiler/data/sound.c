/* sound.c - RIFF wave files (.wav) with samples that are not compressed: integers of 8 to 32 bits,
 * floats of 32 or 64 (Microsoft and IBM 1991, Multimedia Programming Interface).
 *
 * A file is "RIFF", its size, "WAVE", then chunks: four letters, a size, so many bytes, and one
 * more where the size is odd. "fmt " says how the samples in "data" are to be read. */
#include "sound.h"

#include <string.h>

enum { INTEGERS = 1, FLOATS = 3, EXTENSIBLE = 0xfffe, MAX_CHANNELS = 64 };

typedef struct Wave {
  const unsigned char *format, *data;
  size_t format_size, data_size;
  unsigned kind, channels, bits, frame; /* frame: bytes of one sample of all channels */
} Wave;

static uint32_t number(const unsigned char *at, int bytes) {
  uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; i--) value = value << 8 | at[i];
  return value;
}

/* Finds the two chunks; the first of each counts. False after a message. */
static bool find_chunks(Unit *u, const char *file, const unsigned char *bytes, size_t size,
                        Wave *w) {
  if (size < 12 || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WAVE", 4) != 0) {
    diag_error_in(u, file, "not a RIFF wave file (.wav)");
    return false;
  }
  for (size_t at = 12; size - at >= 8;) {
    size_t length = number(bytes + at + 4, 4), left = size - at - 8;
    const unsigned char *name = bytes + at, *content = name + 8;
    bool format = memcmp(name, "fmt ", 4) == 0, data = memcmp(name, "data", 4) == 0;
    if ((format || data) && length > left) {
      diag_error_in(u, file,
                    "the file is cut off: its chunk \"%.4s\" should have %zu bytes, not %zu",
                    (const char *)name, length, left);
      return false;
    }
    if (format && !w->format) w->format = content, w->format_size = length;
    if (data && !w->data) w->data = content, w->data_size = length;
    length += length & 1;
    at += 8 + (length < left ? length : left);
  }
  if (w->format && w->format_size >= 16 && w->data) return true;
  diag_error_in(u, file, "the file has no chunk \"%s\", or an incomplete one",
                w->data ? "fmt " : "data");
  return false;
}

static bool check_format(Unit *u, const char *file, Wave *w) {
  w->kind = number(w->format, 2);
  w->channels = number(w->format + 2, 2);
  w->frame = number(w->format + 12, 2);
  w->bits = number(w->format + 14, 2);
  if (w->kind == EXTENSIBLE && w->format_size >= 40) w->kind = number(w->format + 24, 2);
  bool integers = w->kind == INTEGERS && w->bits % 8 == 0 && w->bits >= 8 && w->bits <= 32;
  bool floats = w->kind == FLOATS && (w->bits == 32 || w->bits == 64);
  if (!integers && !floats)
    diag_error_in(
        u, file,
        "samples of format %u with %u bits; known are integers of 8 to 32 bits (format 1) and "
        "floats (3)",
        w->kind, w->bits);
  else if (w->channels < 1 || w->channels > MAX_CHANNELS || w->frame != w->channels * (w->bits / 8))
    diag_error_in(u, file, "%u channels of %u bits do not take %u bytes", w->channels, w->bits,
                  w->frame);
  else if (w->data_size < w->frame)
    diag_error_in(u, file, "there is no sample in this file");
  else
    return true;
  return false;
}

static float value_at(const Wave *w, const unsigned char *at) {
  float narrow;
  double wide;
  if (w->kind == FLOATS && w->bits == 32) return memcpy(&narrow, at, sizeof narrow), narrow;
  if (w->kind == FLOATS) return memcpy(&wide, at, sizeof wide), (float)wide;
  if (w->bits == 8) return ((float)*at - 128) / 128;
  uint32_t bits = number(at, (int)w->bits / 8) << (32 - w->bits); /* the sign becomes the highest */
  return (float)((double)(bits ^ 0x80000000u) / 2147483648.0 - 1);
}

bool sound_parse(Unit *u, const char *file, const char *bytes, size_t size, Sound *s) {
  Wave w = {0};
  if (!find_chunks(u, file, (const unsigned char *)bytes, size, &w) || !check_format(u, file, &w))
    return false;
  *s = (Sound){.channels = w.channels, .frames = (int64_t)(w.data_size / w.frame)};
  s->rate = number(w.format + 4, 4);
  s->at = NEW_ARRAY(u->arena, float, s->channels * s->frames);
  for (int64_t i = 0; i < s->frames; i++)
    for (int64_t c = 0; c < s->channels; c++)
      s->at[c * s->frames + i] = value_at(&w, w.data + i * w.frame + c * (w.bits / 8));
  return true;
}

bool sound_read(Unit *u, const char *file, Sound *s) {
  size_t size;
  const char *bytes = file_read(u, file, &size);
  return bytes && sound_parse(u, file, bytes, size, s);
}
