/* ctree_symbols.c - types and declarations of the examined file, each made once. */
#include "ctree_build.h"

#include <string.h>

static const char *own(Builder *b, CXString s) {
  const char *text = clang_getCString(s) ? clang_getCString(s) : "";
  const char *copy = arena_copy(b->tree->arena, text, strlen(text));
  clang_disposeString(s);
  return copy;
}

/* ---- types ---- */

typedef struct Fields {
  Builder *b;
  CType *record;
} Fields;

static enum CXVisitorResult add_field(CXCursor cursor, CXClientData data) {
  Fields *f = data;
  vec_push(f->b->tree->arena, &f->record->field, ctree_symbol_of(f->b, cursor));
  return CXVisit_Continue;
}

static CTypeKind kind_of(enum CXTypeKind kind) {
  switch (kind) {
  case CXType_Void: return TYPE_VOID;
  case CXType_Bool:
  case CXType_Char_U:
  case CXType_UChar:
  case CXType_UShort:
  case CXType_UInt:
  case CXType_ULong:
  case CXType_ULongLong:
  case CXType_Char_S:
  case CXType_SChar:
  case CXType_Short:
  case CXType_Int:
  case CXType_Long:
  case CXType_LongLong:
  case CXType_Enum: return TYPE_INT;
  case CXType_Float:
  case CXType_Double:
  case CXType_LongDouble:
  case CXType_Half:
  case CXType_Float16: return TYPE_FLOAT;
  case CXType_Pointer: return TYPE_POINTER;
  case CXType_ConstantArray:
  case CXType_IncompleteArray:
  case CXType_VariableArray: return TYPE_ARRAY;
  case CXType_Record: return TYPE_RECORD;
  case CXType_FunctionProto:
  case CXType_FunctionNoProto: return TYPE_FUNCTION;
  default: return TYPE_OTHER;
  }
}

static bool is_unsigned(enum CXTypeKind kind) {
  return kind == CXType_Bool || (kind >= CXType_Char_U && kind <= CXType_ULongLong);
}

static void fill_type(Builder *b, CType *t, CXType type) {
  t->kind = kind_of(type.kind);
  t->is_unsigned = is_unsigned(type.kind);
  t->is_const = clang_isConstQualifiedType(type);
  bool sized = t->kind != TYPE_VOID && t->kind != TYPE_FUNCTION &&
               (t->kind != TYPE_OTHER || type.kind == CXType_Vector);
  long long size =
      sized ? clang_Type_getSizeOf(type) : 0; /* libclang may not be asked of all types */
  t->size = size > 0 ? size : 0;
  if (t->kind == TYPE_RECORD) clang_Type_visitFields(type, add_field, &(Fields){b, t});
  if (t->kind == TYPE_POINTER) t->element = ctree_type_of(b, clang_getPointeeType(type));
  if (t->kind == TYPE_ARRAY) {
    t->element = ctree_type_of(b, clang_getArrayElementType(type));
    t->count = type.kind == CXType_ConstantArray ? clang_getArraySize(type) : 0;
    t->is_const |= t->element->is_const;
  }
  t->is_variable = type.kind == CXType_VariableArray || (t->element && t->element->is_variable);
}

const CType *ctree_type_of(Builder *b, CXType written) {
  CXType type = clang_getCanonicalType(written);
  const void *key = type.data[0];
  KnownType **slot =
      &b->types[((uintptr_t)key >> 3 ^ (uintptr_t)key >> 15 ^ (uintptr_t)key) % TABLE];
  for (KnownType *k = *slot; k; k = k->next)
    if (k->key == key) return &k->type;
  KnownType *k = NEW(b->tree->arena, KnownType);
  k->key = key;
  k->next = *slot;
  *slot = k;
  fill_type(b, &k->type, type);
  return &k->type;
}

/* ---- symbols ---- */

/* Outside functions; inside extern "C" { } or not. */
static bool is_file_level(CXCursor cursor) {
  enum CXCursorKind parent = clang_getCursorKind(clang_getCursorSemanticParent(cursor));
  return parent == CXCursor_TranslationUnit || ctree_is_linkage(parent);
}

static bool is_scalar(const CType *t) {
  return t->kind == TYPE_INT || t->kind == TYPE_POINTER;
}

/* An array as a parameter is a pointer; libclang still tells the array. */
static const CType *as_parameter(Builder *b, const CType *t) {
  if (t->kind != TYPE_ARRAY) return t;
  CType *pointer = NEW(b->tree->arena, CType);
  *pointer = (CType){.kind = TYPE_POINTER,
                     .size = (int64_t)sizeof(void *),
                     .count = t->count,
                     .element = t->element,
                     .is_variable = t->is_variable};
  return pointer;
}

typedef struct AttributeSearch {
  enum CXCursorKind kind;
  bool found;
} AttributeSearch;

static enum CXChildVisitResult find_attribute(CXCursor cursor, CXCursor parent, CXClientData data) {
  AttributeSearch *search = data;
  (void)parent;
  search->found |= clang_getCursorKind(cursor) == search->kind;
  return search->found ? CXChildVisit_Break : CXChildVisit_Continue;
}

bool ctree_has_attribute(CXCursor declaration, enum CXCursorKind kind) {
  AttributeSearch search = {.kind = kind};
  clang_visitChildren(declaration, find_attribute, &search);
  return search.found;
}

static void fill_symbol(Builder *b, CSymbol *s, CXCursor reference) {
  CXCursor definition = clang_getCursorDefinition(reference);
  bool whole =
      clang_getCursorKind(reference) == CXCursor_VarDecl && !clang_Cursor_isNull(definition);
  CXCursor cursor = whole ? definition : reference; /* `extern t a[];` does not tell all */
  enum CXCursorKind kind = clang_getCursorKind(cursor);
  s->kind = kind == CXCursor_FunctionDecl ? SYMBOL_FUNCTION
            : kind == CXCursor_FieldDecl  ? SYMBOL_FIELD
            : kind == CXCursor_ParmDecl   ? SYMBOL_PARAMETER
                                          : SYMBOL_VARIABLE;
  s->name = own(b, clang_getCursorSpelling(cursor));
  s->type = ctree_type_of(b, clang_getCursorType(cursor));
  s->cursor = cursor;
  s->slot = -1;
  s->is_mutable = !s->type->is_const;
  s->is_static = clang_Cursor_getStorageClass(cursor) == CX_SC_Static;
  s->is_shared = kind == CXCursor_VarDecl && ctree_has_attribute(cursor, CXCursor_CUDASharedAttr);
  s->is_file = s->kind != SYMBOL_PARAMETER && is_file_level(cursor);
  if (s->kind == SYMBOL_PARAMETER) s->type = as_parameter(b, s->type);
  if (s->kind == SYMBOL_FIELD) s->offset = clang_Cursor_getOffsetOfField(cursor) / 8;
  if ((s->kind == SYMBOL_VARIABLE && !s->is_file) || s->kind == SYMBOL_PARAMETER)
    if (b->function && is_scalar(s->type) && !s->is_static && !s->is_shared) {
      s->slot = b->function->variable.n;
      vec_push(b->tree->arena, &b->function->variable, s);
    }
}

CSymbol *ctree_symbol_of(Builder *b, CXCursor reference) {
  CXCursor cursor = clang_getCanonicalCursor(reference);
  KnownSymbol **slot = &b->symbols[clang_hashCursor(cursor) % TABLE];
  for (KnownSymbol *k = *slot; k; k = k->next)
    if (clang_equalCursors(k->cursor, cursor)) return &k->symbol;
  KnownSymbol *k = NEW(b->tree->arena, KnownSymbol);
  k->cursor = cursor;
  k->next = *slot;
  *slot = k;
  fill_symbol(b, &k->symbol, reference);
  return &k->symbol;
}
