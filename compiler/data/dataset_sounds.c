/* dataset_sounds.c - folders of recordings: one folder for each class, or names that begin with it
 * and an underscore ("7_jackson_32.wav"). What is shorter than the network's input ends in silence,
 * what is longer is cut off. */
#include "dataset.h"
#include "sound.h"

#include <string.h>

enum { MOST_FAULTS = 20 };

static const char *const suffixes[] = {".wav", NULL};

/* A channel of the network's: the same of the sound's, or the mean of all. */
static void put_channel(const Sound *s, int64_t channel, bool mix, int64_t n, float *to) {
  int64_t first = mix || s->channels == 1 ? 0 : channel;
  int64_t last = mix ? s->channels - 1 : first;
  for (int64_t i = 0; i < n && i < s->frames; i++) {
    float sum = 0;
    for (int64_t c = first; c <= last; c++) sum += s->at[c * s->frames + i];
    to[i] = sum / (float)(last - first + 1);
  }
}

static bool check_sound(Unit *u, const char *file, const Sound *s, const Dataset *d,
                        int64_t *rate) {
  bool channels = s->channels == d->dim[0] || s->channels == 1 || d->dim[0] == 1;
  if (!channels)
    diag_error_in(u, file, "%lld channels; the network reads %lld", (long long)s->channels,
                  (long long)d->dim[0]);
  if (*rate == 0) *rate = s->rate;
  if (s->rate != *rate)
    diag_error_in(u, file, "%lld samples a second; the files before it have %lld",
                  (long long)s->rate, (long long)*rate);
  return channels && s->rate == *rate;
}

static bool read_sound(Unit *u, const char *file, const Dataset *d, int64_t *rate, float *to) {
  Unit own = *u;
  Sound s;
  own.arena = arena_new();
  bool fine = sound_read(&own, file, &s) && check_sound(&own, file, &s, d, rate);
  int64_t n = d->dim[1] - d->margin; /* what is there before the beginning is silent */
  for (int64_t c = 0; fine && c < d->dim[0]; c++)
    put_channel(&s, c, d->dim[0] == 1, n, to + c * d->dim[1] + d->margin);
  u->errors = own.errors;
  arena_free(own.arena);
  return fine;
}

static Found read_sounds(Unit *u, const DataRequest *r, Dataset *d) {
  Classes classes;
  int64_t rate = 0;
  Found found = classes_find(u, r, suffixes, true, &classes);
  if (found != FOUND_DATA) return found;
  if (r->rank != 2) {
    diag_error_in(u, classes.folder, "sounds are for networks that read [channels,samples]");
    return FOUND_FAULT;
  }
  float *to = classes_start(u, r, &classes, ELEMENT_F32, d);
  int faults = to ? 0 : 1;
  for (int i = 0; to && i < classes.file.n && faults < MOST_FAULTS; i++, to += d->sample_size)
    faults += !read_sound(u, classes.file.at[i].file, d, &rate, to);
  return faults ? FOUND_FAULT : FOUND_DATA;
}

const DatasetReader dataset_sounds = {
    .read = read_sounds,
    .files = {"train/CLASS/*.wav, train/CLASS_*.wav", "test/CLASS/*.wav, test/CLASS_*.wav"}};
