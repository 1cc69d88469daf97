/* option_rows.h - the rows of the command line's tables: commands, and options with what they take
 * and who knows them. Parsing, --help and the record of a call read nothing else. */
#ifndef OPTION_ROWS_H
#define OPTION_ROWS_H

#include "options.h"

typedef enum OptionKind {
  OPTION_FLAG,     /* bool */
  OPTION_TEXT,     /* const char * */
  OPTION_NUMBER,   /* int64_t in [min, max] */
  OPTION_BYTES,    /* int64_t, positive; 512M */
  OPTION_FRACTION, /* double between 0 and 1 */
  OPTION_REAL,     /* double, positive */
  OPTION_CHOICE,   /* int: index into `choices` */
  OPTION_LIST,     /* TextList: one element for each use */
  OPTION_COMMAS    /* TextList: elements are separated by commas */
} OptionKind;

typedef struct CommandRow {
  const char *name, *operand, *doc;
} CommandRow;

typedef struct OptionRow {
  const char *name;     /* "--output" is "output" */
  char letter;          /* -o; 0: none */
  const char *argument; /* in --help; NULL: a flag */
  OptionKind kind;
  size_t offset;
  unsigned commands;
  bool recorded; /* decides about the content of emitted files */
  int64_t min, max;
  const char *const *choices;
  size_t given; /* offset of a bool that becomes true, or 0 */
  const char *doc;
} OptionRow;

extern const CommandRow command_rows[COMMANDS];
extern const OptionRow option_rows[];
extern const int option_count;

bool option_known(const OptionRow *, Command);
/* An option of that name, rather one that the command knows; NULL: there is none. */
const OptionRow *option_find(const char *name, size_t length, Command);
/* With its dashes. */
const char *option_spelled(Arena *, const OptionRow *);

#endif
