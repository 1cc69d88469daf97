/* ---- safetensors: 8 bytes size of the header, the header in JSON, the values ---- */

/* Where a file of parameters comes from: memory, or a stream. */
typedef struct NAME_source {
  const unsigned char *bytes; /* NULL: */
#ifndef NAME_NO_STDIO
  FILE *file;
#endif
  uint64_t size, position; /* of the whole; of the stream */
  uint64_t next, end;      /* header: what is read next, where it ends */
  int peek;                /* the byte before `next`, -1 at the end */
} NAME_source;

/* Bytes [offset, offset + n); false if they are not there. */
static int NAME_read(NAME_source *s, uint64_t offset, void *to, size_t n) {
  if (offset > s->size || n > s->size - offset) return 0;
  if (s->bytes) {
    memcpy(to, s->bytes + (size_t)offset, n);
    return 1;
  }
#ifndef NAME_NO_STDIO
  if (s->position != offset && fseek(s->file, (long)offset, SEEK_SET) != 0) return 0;
  s->position = offset + n;
  return fread(to, 1, n, s->file) == n;
#else
  return 0;
#endif
}

static uint64_t NAME_little(const unsigned char *bytes, int n) {
  uint64_t value = 0;
  for (int i = 0; i < n; i++) value |= (uint64_t)bytes[i] << 8 * i;
  return value;
}

static void NAME_advance(NAME_source *s) {
  unsigned char byte;
  s->peek = s->next < s->end && NAME_read(s, s->next, &byte, 1) ? byte : -1;
  s->next++;
}

static int NAME_token(NAME_source *s) {
  while (s->peek == ' ' || s->peek == '\t' || s->peek == '\n' || s->peek == '\r') NAME_advance(s);
  return s->peek;
}

static int NAME_accept(NAME_source *s, int byte) {
  if (NAME_token(s) != byte) return 0;
  NAME_advance(s);
  return 1;
}

/* A string; `to` gets "" when it is longer than capacity or has an escape: no name that is looked
 * for is like that. */
static int NAME_string(NAME_source *s, char *to, size_t capacity) {
  size_t n = 0;
  int plain = 1;
  if (!NAME_accept(s, '"')) return 0;
  for (; s->peek != '"'; NAME_advance(s)) {
    if (s->peek == '\\') {
      plain = 0;
      NAME_advance(s);
    }
    if (s->peek < 0) return 0;
    if (n + 1 < capacity) to[n] = (char)s->peek;
    n++;
  }
  NAME_advance(s);
  to[plain && n < capacity ? n : 0] = '\0';
  return 1;
}

static int NAME_number(NAME_source *s, uint64_t *value) {
  *value = 0;
  if (NAME_token(s) < '0' || s->peek > '9') return 0;
  for (; s->peek >= '0' && s->peek <= '9'; NAME_advance(s)) {
    if (*value > UINT64_MAX / 16) return 0;
    *value = *value * 10 + (uint64_t)(s->peek - '0');
  }
  return 1;
}

/* [ numbers ]: how many there are, at most `capacity`; -1 if it is anything else. */
static int NAME_numbers(NAME_source *s, uint64_t *value, int capacity) {
  if (!NAME_accept(s, '[')) return -1;
  if (NAME_accept(s, ']')) return 0;
  for (int n = 0; n < capacity; n++) {
    if (!NAME_number(s, &value[n])) return -1;
    if (!NAME_accept(s, ',')) return NAME_accept(s, ']') ? n + 1 : -1;
  }
  return -1;
}

/* Skips any value: up to the comma or bracket behind it. */
static int NAME_skip(NAME_source *s) {
  char text[2];
  for (int depth = 0;;) {
    int byte = NAME_token(s);
    if (byte < 0) return 0;
    if (depth == 0 && (byte == ',' || byte == '}')) return 1;
    if (byte == '"') {
      if (!NAME_string(s, text, sizeof text)) return 0;
      continue;
    }
    depth += (byte == '{' || byte == '[') - (byte == '}' || byte == ']');
    if (depth < 0) return 0;
    NAME_advance(s);
  }
}

/* One tensor of the header. */
typedef struct NAME_tensor {
  char name[NAME_NAME_ROOM], dtype[8];
  int rank;
  uint64_t dim[8], range[2]; /* range: first and last + 1 byte of the values, after the header */
} NAME_tensor;

static int NAME_member(NAME_source *s, NAME_tensor *t) {
  char key[16];
  if (!NAME_string(s, key, sizeof key) || !NAME_accept(s, ':')) return 0;
  if (strcmp(key, "dtype") == 0) return NAME_string(s, t->dtype, sizeof t->dtype);
  if (strcmp(key, "shape") == 0) return (t->rank = NAME_numbers(s, t->dim, 8)) >= 0;
  if (strcmp(key, "data_offsets") == 0) return NAME_numbers(s, t->range, 2) == 2;
  return NAME_skip(s);
}

/* Begins at the first tensor. */
static int NAME_open(NAME_source *s) {
  unsigned char bytes[8];
  if (!NAME_read(s, 0, bytes, 8)) return 0;
  uint64_t length = NAME_little(bytes, 8);
  if (length > s->size - 8) return 0;
  s->next = 8;
  s->end = 8 + length;
  NAME_advance(s);
  return NAME_accept(s, '{');
}

/* The next tensor: 1, or 0 behind the last one, -1 if the header is damaged. */
static int NAME_next(NAME_source *s, NAME_tensor *t) {
  for (;;) {
    if (NAME_accept(s, '}')) return NAME_token(s) < 0 ? 0 : -1;
    if (!NAME_string(s, t->name, sizeof t->name) || !NAME_accept(s, ':')) return -1;
    int wanted = strcmp(t->name, "__metadata__") != 0;
    t->dtype[0] = '\0';
    t->rank = -1;
    t->range[0] = t->range[1] = 0;
    if (!wanted) {
      if (!NAME_skip(s)) return -1;
    } else if (!NAME_accept(s, '{')) {
      return -1;
    } else if (!NAME_accept(s, '}')) {
      do {
        if (!NAME_member(s, t)) return -1;
      } while (NAME_accept(s, ','));
      if (!NAME_accept(s, '}')) return -1;
    }
    if (!NAME_accept(s, ',') && NAME_token(s) != '}') return -1;
    if (wanted) return 1;
  }
}

/* Bytes of one value, 0 for types that hold no parameters. */
static int NAME_width(const char *dtype) {
  if (strcmp(dtype, "F32") == 0) return 4;
  if (strcmp(dtype, "F64") == 0) return 8;
  return strcmp(dtype, "F16") == 0 || strcmp(dtype, "BF16") == 0 ? 2 : 0;
}

static float NAME_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float NAME_from_half(uint32_t half) {
  uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 0x3ffu;
  if (exponent == 31) return NAME_from_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent > 0) return NAME_from_bits(sign | (exponent + 112u) << 23 | fraction << 13);
  float value = (float)fraction / 16777216.0f;
  return sign ? -value : value;
}

static NAME_real NAME_value(const unsigned char *bytes, const char *dtype) {
  uint64_t bits = NAME_little(bytes, NAME_width(dtype));
  double wide;
  if (dtype[0] == 'B') return NAME_from_bits((uint32_t)bits << 16);
  if (dtype[1] == '1') return NAME_from_half((uint32_t)bits);
  if (dtype[1] == '3') return NAME_from_bits((uint32_t)bits);
  memcpy(&wide, &bits, sizeof wide);
  return (NAME_real)wide;
}

/* Converts the values of a tensor; false if the source ends. */
static int NAME_copy(NAME_source *s, const NAME_tensor *t, NAME_real *to, size_t size) {
  unsigned char piece[4096];
  size_t width = (size_t)NAME_width(t->dtype), most = sizeof piece / 8;
  for (size_t done = 0; done < size;) {
    size_t n = size - done < most ? size - done : most;
    if (!NAME_read(s, s->end + t->range[0] + done * width, piece, n * width)) return 0;
    for (size_t i = 0; i < n; i++) to[done + i] = NAME_value(piece + i * width, t->dtype);
    done += n;
  }
  return 1;
}

/* Where parameters are written to: memory, a stream, or nowhere (only to count). */
typedef struct NAME_sink {
  unsigned char *bytes; /* of `size` bytes */
#ifndef NAME_NO_STDIO
  FILE *file;
#endif
  size_t size, at;
  int failed;
} NAME_sink;

static void NAME_put(NAME_sink *s, const void *bytes, size_t n) {
  if (s->bytes && s->at <= s->size && n <= s->size - s->at)
    memcpy(s->bytes + s->at, bytes, n);
  else if (s->bytes)
    s->failed = 1;
#ifndef NAME_NO_STDIO
  if (s->file && fwrite(bytes, 1, n, s->file) != n) s->failed = 1;
#endif
  s->at += n;
}

static void NAME_put_name(NAME_sink *s, const NAME_param *p) {
  for (size_t n = 0; n < sizeof p->name && p->name[n]; n++) NAME_put(s, &p->name[n], 1);
}

static void NAME_put_number(NAME_sink *s, uint64_t value) {
  char decimal[20];
  int started = 0;
  for (int i = 19; i >= 0; i--) {
    decimal[i] = (char)('0' + (int)(value % 10));
    value /= 10;
  }
  for (int i = 0; i < 20; i++) {
    started |= decimal[i] != '0' || i == 19;
    if (started) NAME_put(s, &decimal[i], 1);
  }
}

static void NAME_put_little(NAME_sink *s, uint64_t value, size_t n) {
  unsigned char bytes[8];
  for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)(value >> 8 * i);
  NAME_put(s, bytes, n);
}

static void NAME_put_value(NAME_sink *s, NAME_real value) {
  const double wide = (double)value;
  const float single = (float)value;
  uint64_t bits;
  uint32_t half;
  memcpy(&bits, &wide, sizeof bits);
  memcpy(&half, &single, sizeof half);
  NAME_put_little(s, sizeof(NAME_real) == 8 ? bits : half, sizeof(NAME_real));
}

/* The header of all parameters, padded to a multiple of 8 bytes. */
static void NAME_put_header(NAME_sink *s) {
  uint64_t offset = 0;
  size_t begin = s->at;
  NAME_put(s, "{", 1);
  for (int i = 0; i < NAME_PARAM_COUNT; i++) {
    const NAME_param *p = &NAME_params[i];
    if (i > 0) NAME_put(s, ",", 1);
    NAME_put(s, "\"", 1);
    NAME_put_name(s, p);
    NAME_put(s, "\":{\"dtype\":\"F", 13);
    NAME_put_number(s, 8 * sizeof(NAME_real));
    NAME_put(s, "\",\"shape\":[", 11);
    for (int a = 0; a < p->rank && a < 8; a++) {
      if (a > 0) NAME_put(s, ",", 1);
      NAME_put_number(s, p->dim[a]);
    }
    NAME_put(s, "],\"data_offsets\":[", 18);
    NAME_put_number(s, offset);
    NAME_put(s, ",", 1);
    offset += p->size * sizeof(NAME_real);
    NAME_put_number(s, offset);
    NAME_put(s, "]}", 2);
  }
  NAME_put(s, "}", 1);
  while ((s->at - begin) % 8 != 0) NAME_put(s, " ", 1);
}
