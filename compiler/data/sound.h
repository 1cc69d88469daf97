/* sound.h - sounds as their files hold them. */
#ifndef SOUND_H
#define SOUND_H

#include "tensors.h"

typedef struct Sound {
  int64_t channels, frames, rate;
  float *at; /* [channels,frames], -1 to 1 */
} Sound;

/* RIFF wave files with samples that are not compressed; false after a message. */
bool sound_read(Unit *, const char *file, Sound *);
bool sound_parse(Unit *, const char *file, const char *bytes, size_t size, Sound *);

#endif
