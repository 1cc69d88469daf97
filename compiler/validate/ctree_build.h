/* ctree_build.h - what a tree is built with; for the files ctree*.c only. */
#ifndef CTREE_BUILD_H
#define CTREE_BUILD_H

#include "ctree.h"

enum { TABLE = 1 << 12 };

/* Declarations and types seen so far, by hash. */
typedef struct KnownSymbol KnownSymbol;
struct KnownSymbol {
  CXCursor cursor;
  CSymbol symbol;
  KnownSymbol *next;
};
typedef struct KnownType KnownType;
struct KnownType {
  const void *key;
  CType type;
  KnownType *next;
};

typedef struct Builder {
  CTree *tree;
  CXFile file;
  CFunction *function; /* being built */
  KnownSymbol *symbols[TABLE];
  KnownType *types[TABLE];
} Builder;

const CType *ctree_type_of(Builder *, CXType);
CSymbol *ctree_symbol_of(Builder *, CXCursor reference);
bool ctree_has_attribute(CXCursor declaration, enum CXCursorKind);
/* Finds the constants declared in a block that stand for conditions. */
void ctree_mark_conditions(CNode *block);

#endif
