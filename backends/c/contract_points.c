/* contract_points.c - the loops over the points of register tiles, R of them a turn, and the tiles
 * of what is left.
 *
 * Points are those of a row; of rows and columns as one, where they follow each other in memory; or
 * of whole rows, where what lies between them is stored too (margins) or a stride parts them:
 *
 *   for (int oh = 0; oh + 2 <= 7; oh += 2)      R = 2 rows of 7 points
 *     the tile
 *   the tile of the last row */
#include "contract.h"

static void lone_tile(Contract *w, const TileAt *t) {
  emit_open_block(w->f->e);
  ukernel_tile(w, t);
  emit_close(w->f->e);
}

const char *contract_reaches_end(Leaf *f, int l, int64_t extent, bool several) {
  const Bind *b = &f->k->bind[l];
  const Step *s = b->step >= 0 ? f->outer[b->step] : NULL;
  if (several && s && b->mul == 1 && b->from == 0 && b->to == 1 && s->extent.plus == extent)
    return arena_printf(f->e->arena, "%s == %lld", f->block[b->step],
                        (long long)((extent - 1) / s->block));
  return arena_printf(f->e->arena, "%s == %lld", leaf_form(f, &f->to[l]), (long long)extent);
}

/* ---- one loop ---- */

/* The values of a loop that tiles take `turn` at a time, each of them `each` points. */
typedef struct Points {
  const char *name;
  int loop;       /* which loop's blocks they come in, */
  int64_t values; /* so many for each of its own */
  int each, turn;
  Linear from, to;
} Points;

static Points points_of(Contract *w) {
  Leaf *f = w->f;
  const bool parted = w->row > 0;
  const int loop = w->outer >= 0 ? w->outer : w->point;
  Points p = {.name = f->k->loop[loop].name,
              .loop = loop,
              .values = 1,
              .each = parted ? w->row : 1,
              .from = linear_constant(0),
              .to = linear_constant(0)};
  for (int i = w->nrun - 2; i >= 0 && !parted; i--) {
    p.name = arena_printf(f->e->arena, "%s_%s", p.name, f->k->loop[w->run[i]].name);
    p.values *= f->k->loop[w->run[i]].extent.plus;
  }
  linear_add(&p.from, &f->from[loop], p.values);
  linear_add(&p.to, &f->to[loop], p.values);
  p.turn = w->points / p.each;
  return p;
}

/* The tile of the `rest` values before the end, where `test` holds. */
static void rest_tile(Contract *w, TileAt t, const Points *p, int64_t rest, const char *test) {
  if (rest == 0) return;
  t.points = (int)rest * p->each;
  t.at = p->to;
  t.at.constant -= rest;
  if (test)
    emit_open(w->f->e, "if (%s)", test);
  else
    emit_open_block(w->f->e);
  ukernel_tile(w, &t);
  emit_close(w->f->e);
}

/* What whole tiles leave over of a block of the loop, and of the last block, where blocks are all
 * that runs. */
static bool rests_of_blocks(const Leaf *f, const Points *p, int64_t rest[2]) {
  const Bind *b = &f->k->bind[p->loop];
  const Loop *loop = &f->k->loop[p->loop];
  if (b->step < 0 || b->mul != 1 || b->from != 0 || b->to != 1 || loop->extent.per_n) return false;
  const Step *s = f->outer[b->step];
  if (s->extent.per_n || s->extent.plus != loop->extent.plus) return false;
  rest[0] = s->block * p->values % p->turn;
  rest[1] = loop->extent.plus % s->block * p->values % p->turn;
  return true;
}

int contract_rest(int64_t whole, int64_t left) {
  enum { FEW = 4 /* which hide the latency of multiply-adds */ };
  return whole > FEW && left >= FEW ? FEW : 1;
}

/* The values that are left where their number is known when the function runs: in tiles of a few,
 * and one by one. */
static void rest_of_part(Contract *w, TileAt t, const Points *p) {
  Leaf *f = w->f;
  Emit *e = f->e;
  int64_t rest[2];
  if (rests_of_blocks(f, p, rest)) {
    const char *end = contract_reaches_end(f, p->loop, f->k->loop[p->loop].extent.plus, true);
    const bool alike = rest[0] == rest[1];
    rest_tile(w, t, p, rest[0], alike ? NULL : arena_printf(e->arena, "!(%s)", end));
    if (!alike) rest_tile(w, t, p, rest[1], end);
    return;
  }
  const char *first = leaf_form(f, &p->from), *last = leaf_form(f, &p->to);
  const bool divides = /* then the end tells what is left */
      linear_divides(&p->from, p->turn) && p->to.n == 1 && p->to.constant == 0;
  const char *count = divides ? last : arena_printf(e->arena, "(%s - (%s))", last, first);
  const char *begin = arena_printf(e->arena, "%s / %d * %d", count, p->turn, p->turn);
  if (!divides) begin = arena_printf(e->arena, "%s + %s", first, begin);
  const int few = p->each == 1 ? contract_rest(p->turn, p->turn - 1) : 1;
  if (few > 1) {
    t.points = few;
    BLOCK(e, "for (int %s = %s; %s + %d <= %s; %s += %d)", p->name, begin, p->name, few, last,
          p->name, few)
    ukernel_tile(w, &t);
    begin = arena_printf(e->arena, "%s + %s %% %d / %d * %d", begin, count, p->turn, few, few);
  }
  t.points = p->each;
  BLOCK(e, "for (int %s = %s; %s < %s; %s++)", p->name, begin, p->name, last, p->name)
  ukernel_tile(w, &t);
}

void contract_point_loop(Contract *w, TileAt t) {
  Leaf *f = w->f;
  const Points p = points_of(w);
  Linear count = p.to;
  linear_add(&count, &p.from, -1);
  const int64_t known = count.n == 0 ? count.constant : -1;
  t.points = w->points;
  t.at = linear_variable(1, p.name);
  if (known >= 0 && known / p.turn == 1) {
    t.at = p.from;
    lone_tile(w, &t);
  } else if (known < 0 || known > p.turn) {
    const char *first = leaf_form(f, &p.from), *last = leaf_form(f, &p.to);
    BLOCK(f->e, "for (int %s = %s; %s + %d <= %s; %s += %d)", p.name, first, p.name, p.turn, last,
          p.name, p.turn)
    ukernel_tile(w, &t);
  }
  if (known >= 0)
    rest_tile(w, t, &p, known % p.turn, NULL);
  else if (p.turn > 1)
    rest_of_part(w, t, &p);
}

/* ---- points along the lanes of x ---- */

/* `count` points of one block of x's lanes, which begins at `first`. */
static void points_of_block(Contract *w, TileAt t, const Linear *first, int count) {
  const char *name = w->f->k->loop[w->point].name;
  const int whole = count / w->points;
  t.points = w->points;
  t.at = *first;
  if (whole == 1) {
    lone_tile(w, &t);
  } else if (whole > 1) {
    Linear at = linear_variable(1, name);
    at.term[0].below = (whole - 1) * w->points + 1;
    linear_add(&t.at, &at, 1);
    FOR(w->f->e, name, 0, whole * w->points, w->points) {
      ukernel_tile(w, &t);
    }
  }
  t.points = count % w->points;
  t.at = *first;
  t.at.constant += count - t.points;
  if (t.points) lone_tile(w, &t);
}

/* Points along the lanes of x, block by block: subscripts stay linear. */
void contract_point_blocks(Contract *w, const TileAt *t, int lanes) {
  Leaf *f = w->f;
  Emit *e = f->e;
  const int l = w->point;
  const int64_t extent = f->k->loop[l].extent.plus;
  const Linear from = linear_divided(&f->from[l], lanes), *to = &f->to[l];
  Linear last = linear_divided(to, lanes), first = linear_constant(extent / lanes * lanes);
  const char *name = arena_printf(e->arena, "%s_block", f->k->loop[l].name);
  if (!linear_divides(to, lanes) && to->n > 0)
    last = linear_variable(1, arena_printf(e->arena, "%s / %d", leaf_form(f, to), lanes));
  if (extent >= lanes) {
    const Linear block = linear_variable(lanes, name);
    BLOCK(e, "for (int %s = %s; %s < %s; %s++)", name, leaf_form(f, &from), name,
          leaf_form(f, &last), name)
    points_of_block(w, *t, &block, lanes);
  }
  if (extent % lanes == 0) return;
  leaf_open_rest(f, to->n ? contract_reaches_end(f, l, extent, extent >= lanes) : NULL,
                 (int)(extent % lanes));
  points_of_block(w, *t, &first, (int)(extent % lanes));
  emit_close(e);
}
