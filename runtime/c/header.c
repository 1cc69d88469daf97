/* What parameters in memory and in a file of packed weights begin with. */
typedef struct NAME_header {
  char magic[8];
  uint32_t version;
  uint32_t state; /* of the derived part, which holds weights as the kernels want them */
  uint64_t hash, size;
  unsigned char zero[32];
} NAME_header;

enum { NAME_FORMAT = 1, NAME_READY = 1, NAME_STALE = 2 };
static const char NAME_magic[8] = {'C', 'N', 'N', 'C', 'P', 'A', 'R', '\n'};

static int NAME_is_loaded(const unsigned char *memory) {
  NAME_header header;
  memcpy(&header, memory, sizeof header);
  return memcmp(header.magic, NAME_magic, sizeof NAME_magic) == 0 &&
         header.version == NAME_FORMAT && header.hash == NAME_HASH &&
         header.size == NAME_PARAMS_BYTES &&
         (header.state == NAME_READY || header.state == NAME_STALE);
}
