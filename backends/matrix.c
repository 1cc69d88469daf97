/* matrix.c - a product with a constant matrix as few instructions.
 *
 * The product is taken apart where it saves instructions, again and again, until rows are left that
 * share nothing; every part is a node of a graph, of which what reaches a wanted result is printed.
 *   two columns whose numbers agree but for signs enter every row as x_a + x_b or x_a - x_b;
 *   two rows whose numbers agree but for signs are e + o and e - o;
 *   rows that have no column in common with others are a product of their own;
 *   a row that is the sum of two others, and the same of columns, costs one addition or two.
 * The first two come from the pairs +a, -a of interpolation points and are what makes a Fourier
 * transform fast: its symmetries halve the angle, again and again. The last comes from products of
 * complex numbers by three real ones. */
#include "matrix.h"

#include <string.h>

/* ---- nodes ---- */

static int add_node(MatrixCode *c, MatrixOp op, double factor, int a, int b) {
  for (int i = 0; i < c->node.n; i++) {
    const MatrixNode *old = &c->node.at[i];
    if (old->op == op && old->factor == factor && old->a == a && old->b == b) return i;
  }
  const MatrixNode node = {.op = op, .a = a, .b = b, .factor = factor};
  vec_push(c->arena, &c->node, node);
  return c->node.n - 1;
}

static int sum_node(MatrixCode *c, int a, int b) {
  return add_node(c, MATRIX_PLUS, 1, a, b);
}

static int difference(MatrixCode *c, int a, int b) {
  return add_node(c, MATRIX_MINUS, 1, a, b);
}

/* so_far + factor * x; so_far < 0: nothing yet. */
static int add_term(MatrixCode *c, int so_far, double factor, int x) {
  if (so_far < 0) return factor == 1 ? x : add_node(c, MATRIX_TIMES, factor, x, 0);
  if (factor == 1) return sum_node(c, so_far, x);
  if (factor == -1) return difference(c, so_far, x);
  return add_node(c, MATRIX_FMA, factor, x, so_far);
}

/* ---- blocks ---- */

typedef struct Block {
  int rows, columns;
  double *at; /* [rows][columns] */
  int *x;     /* nodes, by column */
  int *y;     /* nodes, by row: the result */
} Block;

static Block new_block(MatrixCode *c, int rows, int columns) {
  return (Block){.rows = rows,
                 .columns = columns,
                 .at = NEW_ARRAY(c->arena, double, rows *columns + 1),
                 .x = NEW_ARRAY(c->arena, int, columns + 1),
                 .y = NEW_ARRAY(c->arena, int, rows + 1)};
}

static double *entry(const Block *b, int row, int column) {
  return &b->at[row * b->columns + column];
}

static void multiply(MatrixCode *c, Block *b);

/* +1: equal, -1: opposite, 0: both are zero, 2: anything else. */
static int relation(double a, double b) {
  return a == 0 && b == 0 ? 0 : a == b ? 1 : a == -b ? -1 : 2;
}

/* Two columns, or two rows, of which n numbers agree but for signs: is it worth while? */
static bool pays(int equal, int opposite) {
  return equal > 0 && opposite > 0 && equal + opposite > 2;
}

static bool columns_pair(const Block *b, int i, int j) {
  int count[3] = {0};
  for (int r = 0; r < b->rows; r++) {
    const int how = relation(*entry(b, r, i), *entry(b, r, j));
    if (how == 2) return false;
    count[how + 1]++;
  }
  return pays(count[2], count[0]);
}

static bool rows_pair(const Block *b, int i, int j) {
  int count[3] = {0};
  for (int k = 0; k < b->columns; k++) {
    const int how = relation(*entry(b, i, k), *entry(b, j, k));
    if (how == 2) return false;
    count[how + 1]++;
  }
  return pays(count[2], count[0]);
}

/* ---- taking apart ---- */

/* Rows and columns that numbers connect, from this row on. */
static void mark(const Block *b, int row, bool *rows, bool *columns) {
  rows[row] = true;
  for (int k = 0; k < b->columns; k++) {
    if (columns[k] || *entry(b, row, k) == 0) continue;
    columns[k] = true;
    for (int r = 0; r < b->rows; r++)
      if (!rows[r] && *entry(b, r, k) != 0) mark(b, r, rows, columns);
  }
}

/* The part of marked rows and columns as a product of its own. */
static void multiply_part(MatrixCode *c, Block *b, const bool *rows, const bool *columns) {
  Block part = new_block(c, b->rows, b->columns);
  part.rows = part.columns = 0;
  for (int k = 0; k < b->columns; k++)
    if (columns[k]) part.x[part.columns++] = b->x[k];
  for (int r = 0; r < b->rows; r++) {
    if (!rows[r]) continue;
    const int row = part.rows++;
    for (int k = 0, column = 0; k < b->columns; k++)
      if (columns[k]) *entry(&part, row, column++) = *entry(b, r, k);
  }
  multiply(c, &part);
  for (int r = 0, i = 0; r < b->rows; r++)
    if (rows[r]) b->y[r] = part.y[i++];
}

/* False: all of it hangs together. */
static bool fall_apart(MatrixCode *c, Block *b) {
  bool *done = NEW_ARRAY(c->arena, bool, b->rows + 1);
  for (int r = 0; r < b->rows; r++) {
    bool *rows = NEW_ARRAY(c->arena, bool, b->rows), any = false;
    bool *columns = NEW_ARRAY(c->arena, bool, b->columns + 1), all = true;
    if (done[r]) continue;
    mark(b, r, rows, columns);
    for (int k = 0; k < b->columns; k++) any |= columns[k], all &= columns[k];
    for (int i = 0; i < b->rows; i++) all &= rows[i];
    if (all) return false;
    for (int i = 0; i < b->rows; i++) done[i] |= rows[i];
    if (any)
      multiply_part(c, b, rows, columns);
    else
      b->y[r] = add_node(c, MATRIX_ZERO, 0, 0, 0);
  }
  return true;
}

/* Column k of `from`, joined with column `twin` (-1: alone) by this sign, becomes `column`. */
static void join_column(MatrixCode *c, Block *to, int column, const Block *from, int k, int twin,
                        int sign) {
  to->x[column] = twin < 0   ? from->x[k]
                  : sign > 0 ? sum_node(c, from->x[k], from->x[twin])
                             : difference(c, from->x[k], from->x[twin]);
  for (int r = 0; r < from->rows; r++) {
    const double number = *entry(from, r, k);
    const bool takes_part = twin < 0 || relation(number, *entry(from, r, twin)) == sign;
    *entry(to, r, column) = takes_part ? number : 0;
  }
}

static bool join_columns(MatrixCode *c, Block *b) {
  Block joined = new_block(c, b->rows, b->columns);
  bool *done = NEW_ARRAY(c->arena, bool, b->columns), any = false;
  for (int i = 0, column = 0; i < b->columns; i++) {
    int j = i + 1;
    if (done[i]) continue;
    while (j < b->columns && (done[j] || !columns_pair(b, i, j))) j++;
    if (j == b->columns) {
      join_column(c, &joined, column++, b, i, -1, 0);
      continue;
    }
    join_column(c, &joined, column++, b, i, j, 1);
    join_column(c, &joined, column++, b, i, j, -1);
    done[j] = any = true;
  }
  if (!any) return false;
  multiply(c, &joined);
  b->y = joined.y;
  return true;
}

/* Of twins the first row keeps what is equal, the second what is opposite. */
static bool join_rows(MatrixCode *c, Block *b) {
  Block joined = new_block(c, b->rows, b->columns);
  int *twin = NEW_ARRAY(c->arena, int, b->rows);
  bool any = false;
  for (int i = 0; i < b->rows; i++) twin[i] = -1;
  for (int i = 0; i < b->rows; i++)
    for (int j = i + 1; j < b->rows && twin[i] < 0; j++)
      if (twin[j] < 0 && rows_pair(b, i, j)) {
        twin[i] = j;
        twin[j] = i;
        any = true;
      }
  if (!any) return false;
  for (int i = 0; i < b->rows; i++)
    for (int k = 0; k < b->columns; k++) {
      const bool equal = twin[i] < 0 || relation(*entry(b, i, k), *entry(b, twin[i], k)) == 1;
      const bool takes_part = twin[i] < 0 || equal == (twin[i] > i);
      const int first = twin[i] >= 0 && twin[i] < i ? twin[i] : i;
      *entry(&joined, i, k) = takes_part ? *entry(b, first, k) : 0;
    }
  joined.x = b->x;
  multiply(c, &joined);
  for (int i = 0; i < b->rows; i++) {
    const int j = twin[i];
    b->y[i] = j < 0   ? joined.y[i]
              : j > i ? sum_node(c, joined.y[i], joined.y[j])
                      : difference(c, joined.y[j], joined.y[i]);
  }
  return true;
}

/* Ones first: they start a chain for nothing. */
static int row_node(MatrixCode *c, const Block *b, int row) {
  int node = -1;
  for (int pass = 0; pass < 3; pass++)
    for (int k = 0; k < b->columns; k++) {
      const double factor = *entry(b, row, k);
      const int rank = factor == 1 ? 0 : factor == -1 ? 1 : 2;
      if (factor != 0 && rank == pass) node = add_term(c, node, factor, b->x[k]);
    }
  return node;
}

static void multiply(MatrixCode *c, Block *b) {
  if (fall_apart(c, b) || join_columns(c, b) || join_rows(c, b)) return;
  for (int r = 0; r < b->rows; r++) b->y[r] = row_node(c, b, r);
}

/* ---- sums of rows and columns ---- */

/* Number k of line i: of a row, or of a column. */
static double at_line(const Block *b, bool column, int i, int k) {
  return column ? *entry(b, k, i) : *entry(b, i, k);
}

static bool is_sum(const Block *b, bool column, int line, int i, int j, int sign_i, int sign_j) {
  const int length = column ? b->rows : b->columns;
  for (int k = 0; k < length; k++)
    if (at_line(b, column, line, k) !=
        sign_i * at_line(b, column, i, k) + sign_j * at_line(b, column, j, k))
      return false;
  return true;
}

typedef struct Parts {
  int first, second; /* lines before it; -1: it is not a sum of others */
  int sign_first, sign_second;
} Parts;

static Parts find_parts(const Block *b, bool column, int line) {
  for (int j = line - 1; j > 0; j--)
    for (int i = j - 1; i >= 0; i--)
      for (int signs = 0; signs < 3; signs++) {
        const Parts p = {i, j, signs == 1 ? -1 : 1, signs == 2 ? -1 : 1};
        if (is_sum(b, column, line, i, j, p.sign_first, p.sign_second)) return p;
      }
  return (Parts){-1, -1, 0, 0};
}

static int signed_sum(MatrixCode *c, int a, int b, int sign_a, int sign_b) {
  if (sign_a < 0) return difference(c, b, a);
  return sign_b < 0 ? difference(c, a, b) : sum_node(c, a, b);
}

/* Columns that are sums give their x to those they are sums of. */
static void drop_columns(MatrixCode *c, Block *b) {
  for (int k = b->columns - 1; k > 1; k--) {
    const Parts p = find_parts(b, true, k);
    if (p.first < 0) continue;
    b->x[p.first] = signed_sum(c, b->x[p.first], b->x[k], 1, p.sign_first);
    b->x[p.second] = signed_sum(c, b->x[p.second], b->x[k], 1, p.sign_second);
    for (int r = 0; r < b->rows; r++) *entry(b, r, k) = 0;
  }
}

/* Rows that are sums are made of results, once there are such. */
static void multiply_fewer_rows(MatrixCode *c, Block *b) {
  Parts *parts = NEW_ARRAY(c->arena, Parts, b->rows);
  for (int r = b->rows - 1; r >= 0; r--) {
    parts[r] = r > 1 ? find_parts(b, false, r) : (Parts){-1, -1, 0, 0};
    for (int k = 0; parts[r].first >= 0 && k < b->columns; k++) *entry(b, r, k) = 0;
  }
  multiply(c, b);
  for (int r = 0; r < b->rows; r++) {
    const Parts *p = &parts[r];
    if (p->first >= 0)
      b->y[r] = signed_sum(c, b->y[p->first], b->y[p->second], p->sign_first, p->sign_second);
  }
}

/* ---- the cheapest ---- */

static void use(MatrixCode *c, int node) {
  MatrixNode *n = &c->node.at[node];
  if (n->uses++) return;
  if (n->op > MATRIX_X) use(c, n->a);
  if (n->op == MATRIX_PLUS || n->op == MATRIX_MINUS || n->op == MATRIX_FMA) use(c, n->b);
}

static int count_used(const MatrixCode *c) {
  int n = 0;
  for (int i = 0; i < c->node.n; i++) n += c->node.at[i].uses > 0 && c->node.at[i].op > MATRIX_X;
  return n;
}

/* One way: with rows that nobody wants or without, looking for sums or not. */
static MatrixCode plan_product(Arena *arena, const ConstMatrix *m, bool all, bool sums) {
  MatrixCode c = {.arena = arena};
  Block b = new_block(&c, all ? m->all_rows : m->rows, m->columns);
  memcpy(b.at, m->value, sizeof *b.at * (size_t)(b.rows * b.columns));
  for (int k = 0; k < b.columns; k++) b.x[k] = add_node(&c, MATRIX_X, 0, k, 0);
  if (sums) {
    drop_columns(&c, &b);
    multiply_fewer_rows(&c, &b);
  } else {
    multiply(&c, &b);
  }
  for (int r = 0; r < m->rows; r++) use(&c, b.y[r]);
  c.y = b.y;
  return c;
}

MatrixCode matrix_best(Arena *arena, const ConstMatrix *m) {
  MatrixCode best = plan_product(arena, m, false, false);
  for (int way = 1; way < 4; way++) {
    if ((way & 2) && m->all_rows == m->rows) break;
    const MatrixCode c = plan_product(arena, m, way & 2, way & 1);
    if (count_used(&c) < count_used(&best)) best = c;
  }
  return best;
}

int matrix_count(const ConstMatrix *m) {
  Arena *arena = arena_new();
  const MatrixCode c = matrix_best(arena, m);
  const int n = count_used(&c);
  arena_free(arena);
  return n;
}
