/* ctree.h - an emitted C file as a small tree: what the validator looks at.
 *
 * libclang parses; its tree is copied once into nodes that know their operator, type and place.
 * libclang before 17 has no call that tells an operator, so operators are read from the text
 * between the operands. */
#ifndef CTREE_H
#define CTREE_H

#include "cnnc.h"

#include <clang-c/Index.h>

typedef enum CTypeKind {
  TYPE_VOID,
  TYPE_INT, /* with char, _Bool and enums */
  TYPE_FLOAT,
  TYPE_POINTER,
  TYPE_ARRAY,
  TYPE_RECORD,
  TYPE_FUNCTION,
  TYPE_OTHER /* vectors and the like */
} CTypeKind;

typedef struct CType CType;
typedef struct CSymbol CSymbol;

struct CType {
  CTypeKind kind;
  bool is_unsigned, is_const,
      is_variable;      /* is_variable: a variable-length array, or a pointer to one */
  int64_t size;         /* bytes; 0: unknown */
  int64_t count;        /* of an array */
  const CType *element; /* of an array or a pointer */
  VEC(CSymbol *) field; /* of a record */
};

typedef enum CSymbolKind {
  SYMBOL_VARIABLE,
  SYMBOL_PARAMETER,
  SYMBOL_FIELD,
  SYMBOL_FUNCTION
} CSymbolKind;

typedef struct CNode CNode;
typedef struct CFunction CFunction;
struct CSymbol {
  CSymbolKind kind;
  const char *name;
  const CType *type;
  CXCursor cursor;
  CNode *init;         /* of a variable */
  CFunction *function; /* with a body in this file */
  int64_t offset;      /* of a field: bytes from the record's begin */
  bool is_file;        /* declared outside functions */
  bool is_static;      /* declared so, inside or outside functions */
  bool is_addressed;   /* its address is taken */
  bool is_mutable;     /* can change: not const */
  bool is_shared;      /* CUDA: other threads write it too */
  bool is_condition;   /* a constant that stands for its initialiser, as long as it is visible */
  int slot;            /* place in its function's list of variables; -1: not followed */
  int base;            /* the checker's number of this object; 0: none yet */
};

typedef enum CNodeKind {
  NODE_OTHER, /* children are looked at in order */
  NODE_INT,
  NODE_NAME,
  NODE_MEMBER,    /* of a record, or through a pointer */
  NODE_SUBSCRIPT, /* array, index */
  NODE_CALL,      /* function, arguments... */
  NODE_UNARY,
  NODE_BINARY, /* with assignments */
  NODE_CONDITIONAL,
  NODE_CAST, /* written or implied */
  NODE_PAREN,
  NODE_LIST,        /* initialiser */
  NODE_CONSTRUCTED, /* C++: T(arguments...) */
  NODE_DESIGNATED,  /* `.field = value` in one */
  NODE_STRING,
  NODE_BLOCK,
  NODE_IF,
  NODE_FOR, /* always four children: those left out are NODE_EMPTY */
  NODE_WHILE,
  NODE_DO,
  NODE_SWITCH,
  NODE_CASE,
  NODE_RETURN,
  NODE_BREAK,
  NODE_CONTINUE,
  NODE_GOTO,
  NODE_VARIABLE, /* a declaration inside a function */
  NODE_EMPTY
} CNodeKind;

/* Operators, in the order of their spellings in ctree.c. */
typedef enum COperator {
  C_SHL_SET,
  C_SHR_SET,
  C_AND_THEN,
  C_OR_ELSE,
  C_EQ,
  C_NE,
  C_LE,
  C_GE,
  C_SHL,
  C_SHR,
  C_ADD_SET,
  C_SUB_SET,
  C_MUL_SET,
  C_DIV_SET,
  C_MOD_SET,
  C_AND_SET,
  C_OR_SET,
  C_XOR_SET,
  C_INCREMENT,
  C_DECREMENT,
  C_ADD,
  C_SUB,
  C_MUL,
  C_DIV,
  C_MOD,
  C_LT,
  C_GT,
  C_AND,
  C_OR,
  C_XOR,
  C_SET,
  C_NOT,
  C_COMPLEMENT,
  C_COMMA,
  C_UNKNOWN
} COperator;

struct CNode {
  CNodeKind kind;
  COperator op;
  bool postfix;        /* i++ */
  bool arrow;          /* p->m */
  uint32_t start, end; /* bytes of the text */
  const CType *type;
  CSymbol *symbol; /* of a name, member, variable or (when known) call */
  int64_t value;   /* of an integer */
  CNode *first, *next;
  CNode *launch;   /* of a call: CUDA's configuration, a call with grid, block ...; NULL: none */
  bool has_call;   /* here or below */
  bool has_change; /* an assignment, ++ or -- here or below */
  bool is_settled; /* the checker's: calls here and below have been run; their value follows */
  struct Value *settled;
  uint8_t verdict; /* the checker's: what was found out about this access */
};

struct CFunction {
  CSymbol *symbol;
  CNode *body;
  VEC(CSymbol *) parameter;
  VEC(CSymbol *) variable; /* all that are followed: those with a slot */
  VEC(CFunction *) calls;  /* functions of the file that it calls */
  bool is_called, is_variadic;
  bool is_kernel, is_device; /* CUDA: started by launches; runs on the device */
  uint8_t state;             /* of searches over calls */
  struct Effects *effects;   /* the checker's: what a call may change */
};

typedef struct CTree {
  Arena *arena;
  const char *file, *text;
  size_t size;
  VEC(CFunction *) function; /* in the order of the text */
  /* Variables outside functions, static ones inside, functions declared or defined here. */
  VEC(CSymbol *) global;
} CTree;

/* `unit` has been parsed from text; the tree speaks of its main file. */
CTree *ctree_new(Arena *, CXTranslationUnit unit, const char *file, const char *text, size_t size);

/* extern "C" { ... } */
bool ctree_is_linkage(enum CXCursorKind);

/* ---- ctree_look.c ---- */

CNode *ctree_child(const CNode *, int i); /* NULL: has none */
/* Without parentheses and casts. */
CNode *ctree_strip(CNode *);
/* Line and column, from 1. */
void ctree_place(const CTree *, uint32_t offset, int *line, int *column);
/* The node's text on one line, shortened. */
const char *ctree_quote(const CTree *, const CNode *);
/* The variable that an assignment, ++ or -- changes, NULL if it changes something else or `node` is
 * none of them. */
CNode *ctree_assigned(CNode *node);

#endif
