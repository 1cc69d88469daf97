/* ---- parameters: the header, then the values as loaded, then the derived part ---- */

static float *NAME_param_at(const NAME *ctx, int index) {
  return (float *)(void *)(ctx->params + NAME_places[index].offset);
}

static int NAME_check_params(const NAME_memory *memory) {
  if (!memory->params) return NAME_E_NULL;
  if (!NAME_aligned(memory->params)) return NAME_E_ALIGN;
  return memory->params_bytes < NAME_PARAMS_BYTES ? NAME_E_MEMORY : NAME_OK;
}

static void NAME_take_params(NAME *ctx, const NAME_memory *memory) {
  ctx->header = (unsigned char *)memory->params;
  ctx->params = ctx->header + sizeof(NAME_header);
  ctx->derived = ctx->params + NAME_RAW_BYTES;
}

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

int NAME_init_params(NAME *ctx, uint64_t seed) {
  if (!ctx) return NAME_E_NULL;
  for (int i = 0; i < NAME_PARAM_COUNT; i++)
    NAME_fill(NAME_param_at(ctx, i), NAME_params[i].size, NAME_params[i].name, seed,
              NAME_places[i].center, NAME_places[i].bound);
  NAME_mark(ctx, NAME_STALE);
  return NAME_ready(ctx);
}

int NAME_get_param(const NAME *ctx, int index, float *values) {
  if (!ctx || !values) return NAME_E_NULL;
  if (index < 0 || index >= NAME_PARAM_COUNT) return NAME_E_RANGE;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  memcpy(values, NAME_param_at(ctx, index), NAME_params[index].size * sizeof(float));
  return NAME_OK;
}

int NAME_set_param(NAME *ctx, int index, const float *values) {
  if (!ctx || !values) return NAME_E_NULL;
  if (index < 0 || index >= NAME_PARAM_COUNT) return NAME_E_RANGE;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  memcpy(NAME_param_at(ctx, index), values, NAME_params[index].size * sizeof(float));
  NAME_mark(ctx, NAME_STALE);
  return NAME_OK;
}

/* The parameter of this name, searched from `start` on: files have them mostly in order. */
static int NAME_find(const char *name, int start) {
  for (int i = 0; i < NAME_PARAM_COUNT; i++) {
    int index = start + i < NAME_PARAM_COUNT ? start + i : start + i - NAME_PARAM_COUNT;
    if (strcmp(NAME_params[index].name, name) == 0) return index;
  }
  return -1;
}

static int NAME_ignored(const char *name) {
  for (int i = 0; NAME_unused[i]; i++)
    if (strcmp(NAME_unused[i], name) == 0) return 1;
  static const char suffix[] = "num_batches_tracked";
  size_t length = strlen(name), tail = sizeof suffix - 1;
  return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

static int NAME_fits(const NAME_source *s, const NAME_tensor *t, const NAME_param *p) {
  size_t width = (size_t)NAME_width(t->dtype);
  uint64_t room = s->size - s->end;
  if (width == 0 || t->rank != p->rank || t->range[0] > t->range[1] || t->range[1] > room) return 0;
  for (int a = 0; a < p->rank; a++)
    if (t->dim[a] != p->dim[a]) return 0;
  return t->range[1] - t->range[0] == p->size * width;
}

/* Is every parameter there once, in its shape, and nothing else? */
static int NAME_check_source(NAME_source *s) {
  unsigned char seen[NAME_PARAM_COUNT / 8 + 1] = {0};
  NAME_tensor t;
  int index = -1, found = 0, more = 0;
  if (!NAME_open(s)) return 0;
  while ((more = NAME_next(s, &t)) > 0) {
    if (NAME_ignored(t.name)) continue;
    index = NAME_find(t.name, index + 1);
    if (index < 0 || seen[index / 8] >> index % 8 & 1 || !NAME_fits(s, &t, &NAME_params[index]))
      return 0;
    seen[index / 8] = (unsigned char)(seen[index / 8] | 1 << index % 8);
    found++;
  }
  return more == 0 && found == NAME_PARAM_COUNT;
}

static int NAME_load_from(NAME *ctx, NAME_source *s) {
  NAME_tensor t;
  int index = -1;
  if (!NAME_check_source(s) || !NAME_open(s)) return NAME_E_WEIGHTS;
  while (NAME_next(s, &t) > 0) {
    if (NAME_ignored(t.name)) continue;
    index = NAME_find(t.name, index + 1);
    if (index < 0 || !NAME_copy(s, &t, NAME_param_at(ctx, index), NAME_params[index].size)) {
      memset(ctx->header, 0, sizeof(NAME_header));
      return NAME_E_FILE;
    }
  }
  NAME_mark(ctx, NAME_STALE);
  return NAME_ready(ctx);
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
    const float *values = NAME_param_at(ctx, i);
    for (size_t k = 0; k < NAME_params[i].size; k++) {
      uint32_t bits;
      memcpy(&bits, &values[k], sizeof bits);
      NAME_put_little(sink, bits, 4);
    }
  }
}

size_t NAME_save_size(const NAME *ctx) {
  NAME_sink count = {0};
  (void)ctx;
  NAME_put_header(&count);
  for (int i = 0; i < NAME_PARAM_COUNT; i++) count.at += NAME_params[i].size * 4;
  return 8 + count.at;
}

int NAME_save(const NAME *ctx, void *bytes, size_t size) {
  NAME_sink sink = {0};
  if (!ctx || !bytes) return NAME_E_NULL;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  if (size < NAME_save_size(ctx)) return NAME_E_MEMORY;
  sink.bytes = (unsigned char *)bytes;
  NAME_save_to(ctx, &sink);
  return NAME_OK;
}

#ifndef NAME_NO_STDIO
int NAME_load_file(NAME *ctx, const char *path) {
  NAME_source source = {0};
  if (!ctx || !path) return NAME_E_NULL;
  source.file = fopen(path, "rb");
  if (!source.file) return NAME_E_FILE;
  int status = NAME_E_FILE;
  long size = fseek(source.file, 0, SEEK_END) == 0 ? ftell(source.file) : -1;
  if (size >= 0) {
    source.size = source.position = (uint64_t)size;
    status = NAME_load_from(ctx, &source);
  }
  fclose(source.file);
  return status;
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
