/* ---- parameters: the header, then the values as loaded, then the derived part ---- */

static int NAME_check_params(const NAME_memory *memory) {
  if (!memory->params) return NAME_E_NULL;
  if (!NAME_aligned(memory->params)) return NAME_E_ALIGN;
  return memory->params_bytes < NAME_PARAMS_BYTES ? NAME_E_MEMORY : NAME_OK;
}

#ifdef NAME_TRAIN_WORK_BYTES
static void NAME_restart(NAME *ctx, uint64_t seed);
#endif

static void NAME_mark(const NAME *ctx, uint32_t state) {
  NAME_header header;
  memset(&header, 0, sizeof header);
  memcpy(header.magic, NAME_magic, sizeof NAME_magic);
  header.version = NAME_FORMAT;
  header.state = state;
  header.hash = NAME_HASH;
  header.size = NAME_PARAMS_BYTES;
  memcpy(ctx->header, &header, sizeof header);
}

/* What has no parameters waits for none. */
static void NAME_take_params(NAME *ctx, const NAME_memory *memory) {
  ctx->header = (unsigned char *)memory->params;
  ctx->params = ctx->header + sizeof(NAME_header);
  ctx->derived = ctx->params + NAME_RAW_BYTES;
  if (NAME_PARAM_COUNT == 0 && !NAME_is_loaded(ctx->header)) NAME_mark(ctx, NAME_STALE);
}

/* Loaded, and derived weights up to date? Computes them when they are not. */
static int NAME_ready(const NAME *ctx) {
  NAME_header header;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  memcpy(&header, ctx->header, sizeof header);
  if (header.state == NAME_READY) return NAME_OK;
  NAME_prepare(ctx);
  NAME_mark(ctx, NAME_READY);
  return NAME_OK;
}

/* All parameters are new. */
static int NAME_begin(NAME *ctx, uint64_t seed) {
#ifdef NAME_TRAIN_WORK_BYTES
  NAME_restart(ctx, seed);
#else
  (void)seed;
#endif
  NAME_mark(ctx, NAME_STALE);
  return NAME_ready(ctx);
}

int NAME_init_params(NAME *ctx, uint64_t seed) {
  if (!ctx) return NAME_E_NULL;
  memset(ctx->params, 0, NAME_RAW_BYTES); /* also between parameters: checkpoints hold it */
  for (int i = 0; i < NAME_PARAM_COUNT; i++) {
    size_t first = NAME_places[i].first, size = NAME_params[i].size;
    if (first > NAME_RAW || size > NAME_RAW - first) return NAME_E_RANGE;
    NAME_fill((NAME_real *)(void *)ctx->params + first, size, seed, NAME_places[i].stream,
              NAME_places[i].center, NAME_places[i].bound);
  }
  return NAME_begin(ctx, seed);
}

int NAME_get_param(const NAME *ctx, int index, NAME_real *values) {
  if (!ctx || !values) return NAME_E_NULL;
  if (index < 0 || index >= NAME_PARAM_COUNT) return NAME_E_RANGE;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  size_t first = NAME_places[index].first, size = NAME_params[index].size;
  if (first > NAME_RAW || size > NAME_RAW - first) return NAME_E_RANGE;
  memcpy(values, (NAME_real *)(void *)ctx->params + first, size * sizeof(NAME_real));
  return NAME_OK;
}

int NAME_set_param(NAME *ctx, int index, const NAME_real *values) {
  if (!ctx || !values) return NAME_E_NULL;
  if (index < 0 || index >= NAME_PARAM_COUNT) return NAME_E_RANGE;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  size_t first = NAME_places[index].first, size = NAME_params[index].size;
  if (first > NAME_RAW || size > NAME_RAW - first) return NAME_E_RANGE;
  memcpy((NAME_real *)(void *)ctx->params + first, values, size * sizeof(NAME_real));
  NAME_mark(ctx, NAME_STALE);
  return NAME_OK;
}

static int NAME_find(const char *name) {
  for (int i = 0; i < NAME_PARAM_COUNT; i++)
    if (strcmp(NAME_params[i].name, name) == 0) return i;
  return -1;
}

static int NAME_ignored(const char *name) {
  static const char suffix[] = "num_batches_tracked";
  size_t length = strlen(name), tail = sizeof suffix - 1;
  for (int i = 0; i < NAME_UNUSED_COUNT; i++)
    if (strcmp(NAME_unused[i], name) == 0) return 1;
  return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

static int NAME_fits(const NAME_source *s, const NAME_tensor *t, const NAME_param *p) {
  size_t width = (size_t)NAME_width(t->dtype);
  uint64_t room = s->size - s->end;
  if (width == 0 || t->rank != p->rank || t->range[0] > t->range[1] || t->range[1] > room) return 0;
  for (int a = 0; a < p->rank && a < 8; a++)
    if (t->dim[a] != p->dim[a]) return 0;
  return t->range[1] - t->range[0] == p->size * width;
}

/* Is every parameter there once, in its shape, and nothing else? */
static int NAME_check_source(NAME_source *s) {
  unsigned char seen[NAME_PARAM_COUNT / 8 + 1] = {0};
  NAME_tensor t;
  int found = 0, more = 0;
  if (!NAME_open(s)) return 0;
  while ((more = NAME_next(s, &t)) > 0) {
    if (NAME_ignored(t.name)) continue;
    int index = NAME_find(t.name);
    if (index < 0 || seen[index / 8] >> index % 8 & 1 || !NAME_fits(s, &t, &NAME_params[index]))
      return 0;
    seen[index / 8] = (unsigned char)(seen[index / 8] | 1 << index % 8);
    found++;
  }
  return more == 0 && found == NAME_PARAM_COUNT;
}

/* Copies a tensor to its parameter; on failure nothing is loaded any more. */
static int NAME_take(NAME *ctx, NAME_source *s, const NAME_tensor *t, int index) {
  size_t first = NAME_places[index].first, size = NAME_params[index].size;
  if (first <= NAME_RAW && size <= NAME_RAW - first &&
      NAME_copy(s, t, (NAME_real *)(void *)ctx->params + first, size))
    return NAME_OK;
  memset(ctx->header, 0, sizeof(NAME_header));
  return NAME_E_FILE;
}

static int NAME_load_from(NAME *ctx, NAME_source *s) {
  NAME_tensor t;
  if (!NAME_check_source(s) || !NAME_open(s)) return NAME_E_WEIGHTS;
  memset(ctx->params, 0, NAME_RAW_BYTES);
  while (NAME_next(s, &t) > 0) {
    if (NAME_ignored(t.name)) continue;
    int index = NAME_find(t.name);
    if (index < 0) return NAME_E_WEIGHTS;
    int status = NAME_take(ctx, s, &t, index);
    if (status) return status;
  }
  return NAME_begin(ctx, 0);
}

/* What is there of each parameter, if the file can be read to its end. */
static int NAME_look(NAME_source *s, unsigned char *found) {
  NAME_tensor t;
  int more = 0;
  for (int i = 0; i < NAME_PARAM_COUNT; i++) found[i] = NAME_ABSENT;
  if (!NAME_open(s)) return 0;
  while ((more = NAME_next(s, &t)) > 0) {
    int index = NAME_find(t.name);
    if (index < 0 || index >= NAME_PARAM_COUNT) continue;
    found[index] = NAME_fits(s, &t, &NAME_params[index]) ? NAME_TAKEN : NAME_MISSHAPEN;
  }
  return more == 0;
}

static int NAME_load_part_from(NAME *ctx, NAME_source *s, unsigned char *found) {
  NAME_tensor t;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  if (!NAME_look(s, found) || !NAME_open(s)) return NAME_E_WEIGHTS;
  while (NAME_next(s, &t) > 0) {
    int index = NAME_find(t.name);
    if (index < 0 || index >= NAME_PARAM_COUNT || found[index] != NAME_TAKEN) continue;
    int status = NAME_take(ctx, s, &t, index);
    if (status) return status;
  }
  return NAME_begin(ctx, 0);
}

int NAME_load_part(NAME *ctx, const void *bytes, size_t size, unsigned char *found) {
  NAME_source source = {0};
  if (!ctx || !bytes || !found) return NAME_E_NULL;
  source.bytes = (const unsigned char *)bytes;
  source.size = size;
  return NAME_load_part_from(ctx, &source, found);
}

int NAME_load(NAME *ctx, const void *bytes, size_t size) {
  NAME_source source = {0};
  if (!ctx || !bytes) return NAME_E_NULL;
  source.bytes = (const unsigned char *)bytes;
  source.size = size;
  return NAME_load_from(ctx, &source);
}

static void NAME_save_to(const NAME *ctx, NAME_sink *sink) {
  NAME_sink header = {0};
  NAME_put_header(&header);
  NAME_put_little(sink, header.at, 8);
  NAME_put_header(sink);
  for (int i = 0; i < NAME_PARAM_COUNT; i++) {
    size_t first = NAME_places[i].first, size = NAME_params[i].size;
    if (first > NAME_RAW || size > NAME_RAW - first) return;
    const NAME_real *values = (const NAME_real *)(const void *)ctx->params + first;
    for (size_t k = 0; k < size; k++) NAME_put_value(sink, values[k]);
  }
}

size_t NAME_save_size(const NAME *ctx) {
  NAME_sink count = {0};
  (void)ctx;
  NAME_put_header(&count);
  for (int i = 0; i < NAME_PARAM_COUNT; i++) count.at += NAME_params[i].size * sizeof(NAME_real);
  return 8 + count.at;
}

int NAME_save(const NAME *ctx, void *bytes, size_t size) {
  NAME_sink sink = {0};
  if (!ctx || !bytes) return NAME_E_NULL;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  if (size < NAME_save_size(ctx)) return NAME_E_MEMORY;
  sink.bytes = (unsigned char *)bytes;
  sink.size = size;
  NAME_save_to(ctx, &sink);
  return NAME_OK;
}

#ifndef NAME_NO_STDIO
/* All of a file, or (found) what fits. */
static int NAME_load_from_file(NAME *ctx, const char *path, unsigned char *found) {
  NAME_source source = {0};
  if (!ctx || !path) return NAME_E_NULL;
  source.file = fopen(path, "rb");
  if (!source.file) return NAME_E_FILE;
  int status = NAME_E_FILE;
  long size = fseek(source.file, 0, SEEK_END) == 0 ? ftell(source.file) : -1;
  if (size >= 0) {
    source.size = source.position = (uint64_t)size;
    status = found ? NAME_load_part_from(ctx, &source, found) : NAME_load_from(ctx, &source);
  }
  fclose(source.file);
  return status;
}

int NAME_load_file(NAME *ctx, const char *path) {
  return NAME_load_from_file(ctx, path, NULL);
}

int NAME_load_part_file(NAME *ctx, const char *path, unsigned char *found) {
  return found ? NAME_load_from_file(ctx, path, found) : NAME_E_NULL;
}

int NAME_save_file(const NAME *ctx, const char *path) {
  NAME_sink sink = {0};
  if (!ctx || !path) return NAME_E_NULL;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  sink.file = fopen(path, "wb");
  if (!sink.file) return NAME_E_FILE;
  NAME_save_to(ctx, &sink);
  return fclose(sink.file) == 0 && !sink.failed ? NAME_OK : NAME_E_FILE;
}
#endif
