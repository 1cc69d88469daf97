/* train_checkpoint.c - FILE.checkpoint beside --save FILE: where training is, then the library's
 * own checkpoint. It is written as a whole or not at all, so a killed training leaves the one
 * before. */
#include "training.h"

#include <inttypes.h>
#include <string.h>

static const char magic[8] = {'C', 'N', 'N', 'C', 'T', 'R', 'N', '4'};

const char *train_checkpoint_file(const Training *t) {
  return arena_printf(t->u->arena, "%s.checkpoint", t->o->save);
}

/* Position as it is written: what it points to follows. */
static Position position_of(const Training *t) {
  Position at = t->at;
  at.trained.loss = NULL;
  return at;
}

static size_t means_size(const Training *t) {
  return sizeof(Mean) * (size_t)t->g->term.n;
}

/* FNV-1a over what is drawn at random from samples. */
int64_t train_checkpoint_options(const Options *o) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int i = 0; i < o->augment.n; i++)
    for (const char *at = o->augment.at[i]; *at; at++)
      hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
  return (int64_t)hash;
}

bool train_checkpoint_write(Training *t) {
  const void *bytes;
  size_t size;
  if (!t->o->save) return true;
  if (!trainer_checkpoint(&t->trainer, &bytes, &size)) return false;
  const Position at = position_of(t);
  size_t head = sizeof magic + sizeof at, all = head + means_size(t) + size;
  char *file = arena_alloc(t->u->arena, all);
  memcpy(file, magic, sizeof magic);
  memcpy(file + sizeof magic, &at, sizeof at);
  memcpy(file + head, t->at.trained.loss, means_size(t));
  memcpy(file + head + means_size(t), bytes, size);
  return file_write(t->u, train_checkpoint_file(t), file, all);
}

static bool same_training(const Training *t, const char *file, const Position *at) {
  const struct {
    const char *what;
    int64_t have, want;
  } row[] = {{"--seed", at->seed, t->at.seed},
             {"samples", at->samples, t->at.samples},
             {"--batch", at->batch, t->at.batch}};
  for (int i = 0; i < COUNT(row); i++)
    if (row[i].have != row[i].want) {
      diag_error_in(t->u, file, "the checkpoint was made with %s %" PRId64 ", not %" PRId64,
                    row[i].what, row[i].have, row[i].want);
      return false;
    }
  if (at->options == t->at.options) return true;
  diag_error_in(t->u, file, "the checkpoint was made with another --augment");
  return false;
}

bool train_checkpoint_read(Training *t) {
  const char *file = train_checkpoint_file(t);
  size_t size, head = sizeof magic + sizeof t->at + means_size(t);
  const char *bytes = file_read(t->u, file, &size);
  Position at;
  if (!bytes) return false;
  if (size < head || memcmp(bytes, magic, sizeof magic) != 0) {
    diag_error_in(t->u, file, "not a checkpoint of cnnc train");
    return false;
  }
  memcpy(&at, bytes + sizeof magic, sizeof at);
  if (!same_training(t, file, &at)) return false;
  if (!trainer_restore(&t->trainer, bytes + head, size - head)) {
    diag_error_in(t->u, file, "the checkpoint belongs to another network, batch or target");
    return false;
  }
  at.trained.loss = t->at.trained.loss;
  memcpy(at.trained.loss, bytes + head - means_size(t), means_size(t));
  t->at = at;
  return true;
}

bool train_save(Training *t) {
  const void *bytes;
  size_t size;
  if (!t->o->save) return true;
  return trainer_save(&t->trainer, &bytes, &size) && file_write(t->u, t->o->save, bytes, size);
}
