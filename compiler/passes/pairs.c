/* pairs.c - part of nest: a pool beside the convolution it follows.
 *
 *   conv1: n k oh ow | ..    ->   parallel n<n by 1          (conv1's buffer: one block of it per
 *   pool1: n c oh ow | ..           parallel c<64 by 32       worker, as many rows as the pooled
 *                                     parallel oh<56 by 4     rows of the block read)
 *                                       conv1, pool1
 *
 * Rows that two blocks read are computed twice. */
#include "nest.h"
#include "backend.h"

typedef struct Pair {
  const Kernel *producer, *consumer;
  const View *read; /* the consumer's view of the buffer */
  int buffer;
  int axes;             /* how many leading axes are cut: 2 or 3 */
  int made[3], used[3]; /* per axis: the loop that makes it, the loop that uses it */
  Bind rows;            /* rows of the buffer that a block of the consumer's rows reads */
} Pair;

static bool same_loop(const Pair *pair, int axis) {
  int loop;
  return coord_is_loop(&pair->read->at[axis], &loop) && loop == pair->used[axis];
}

/* Finds the loops on both sides of each cut axis. */
static bool match_axes(Pair *pair) {
  for (int axis = 0; axis < pair->axes; axis++) {
    const Coord *to = &pair->producer->out[0].to.at[axis];
    pair->used[axis] = nest_using_loop(pair->consumer, pair->read, axis);
    if (!coord_is_loop(to, &pair->made[axis]) || pair->used[axis] < 0) return false;
    if (axis < 2 && !same_loop(pair, axis)) return false;
  }
  return true;
}

static bool is_pair(const Nest *n, const Step *first, const Step *next, Pair *pair) {
  if (!first->run || !next->run || kernel_kind(first->run) != KIND_CONTRACT) return false;
  *pair = (Pair){.producer = first->run, .consumer = next->run, .axes = 2};
  if (!nest_pools(n, pair->producer, pair->consumer, &pair->read)) return false;
  pair->buffer = pair->read->tensor;
  return n->p->buffer.at[pair->buffer].type.rank >= 3 && match_axes(pair);
}

static int64_t channel_block(const Nest *n, const Pair *pair) {
  int64_t unit = nest_unit(n->p, pair->producer, pair->made[1]);
  int64_t other = nest_unit(n->p, pair->consumer, pair->used[1]);
  int64_t extent = pair->producer->loop[pair->made[1]].extent.plus;
  if (other > unit) unit = other;
  return unit > 1 ? unit : extent < 8 ? extent : 8;
}

/* Images whose lanes cannot be cut apart. */
static int64_t image_block(const Nest *n, const Pair *pair) {
  const int64_t made = nest_lanes(n->p, pair->producer, pair->made[0]);
  const int64_t used = nest_lanes(n->p, pair->consumer, pair->used[0]);
  return made > used ? made : used;
}

/* How many of the consumer's rows keep the producer's part within a quarter of L2; 0: all of them.
 * -1: none, or only by computing more than a tenth of the rows twice. */
static int64_t row_block(const Nest *n, Pair *pair, int64_t images, int64_t channels) {
  const Buffer *b = &n->p->buffer.at[pair->buffer];
  double row = 4.0 * (double)(images * channels), room = n->p->target->machine.l2 / 4;
  for (int a = 3; a < b->type.rank; a++) row *= (double)b->type.dim[a].plus;
  double all = row * (double)b->type.dim[2].plus;
  if (all <= nest_room(n)) return 0;
  if (b->type.rank == 3) return -1;
  pair->axes = 3;
  if (!match_axes(pair) || !nest_part(pair->consumer, pair->read, 2, &pair->rows)) return -1;
  int64_t most = (int64_t)(room / row), span = pair->rows.to - pair->rows.from;
  int64_t block = (most - span) / pair->rows.mul + 1;
  int64_t twice = span - pair->rows.mul;
  if (most < span || twice * 10 > block * pair->rows.mul) return -1;
  return block;
}

/* Cuts axis `axis` of the buffer and the loops on both sides by a step at `depth`. */
static void bind_axis(Plan *p, const Pair *pair, int axis, int depth, int64_t block, Kernel *a,
                      Kernel *b) {
  Buffer *buffer = &p->buffer.at[pair->buffer];
  Bind whole = {.step = (int8_t)depth, .mul = 1, .from = 0, .to = 1}, part = whole;
  if (axis == 2) {
    part = pair->rows;
    part.step = (int8_t)depth;
  }
  a->bind[pair->made[axis]] = part;
  b->bind[pair->used[axis]] = whole;
  buffer->part[axis] = part;
  buffer->span[axis] = part.mul * (block - 1) + part.to - part.from;
}

/* Both kernels in one nest, the buffer inside it; NULL where that does not pay. */
static Step *build(Nest *n, Step *first, Step *next, Pair *pair) {
  Plan *p = n->p;
  int64_t block[3] = {image_block(n, pair), channel_block(n, pair), 0};
  block[2] = row_block(n, pair, block[0], block[1]);
  if (block[2] < 0) return NULL;
  pair->axes = block[2] > 0 ? 3 : 2;
  bool parallel =
      nest_worth_threads(p, p->target->time(p, first->run) + p->target->time(p, next->run));
  Step *outer = NULL, *last = NULL;
  for (int axis = 0; axis < pair->axes; axis++) {
    const Loop *loop = &next->run->loop[pair->used[axis]];
    Step *s = nest_new_step(p, loop, block[axis], parallel);
    if (last) vec_push(p->u->arena, &last->body, s);
    if (!outer) outer = s;
    last = s;
    bind_axis(p, pair, axis, axis, block[axis], first->run, next->run);
  }
  p->buffer.at[pair->buffer].depth = pair->axes;
  vec_push(p->u->arena, &last->body, first);
  vec_push(p->u->arena, &last->body, next);
  return outer;
}

Step *nest_pair(Nest *n, Step *const *two) {
  Pair pair;
  return is_pair(n, two[0], two[1], &pair) ? build(n, two[0], two[1], &pair) : NULL;
}
