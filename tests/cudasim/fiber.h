/* fiber.h - switching between stacks: twenty instructions where the machine is known (x86-64),
 * ucontext elsewhere, which asks the system twice for each switch. */
#ifndef CUDASIM_FIBER_H
#define CUDASIM_FIBER_H

#if defined(__x86_64__)
#include <stddef.h>
#include <stdint.h>

typedef struct FiberContext {
  void *stack; /* where it was left: its registers, then where it goes on */
} FiberContext;

void cudasim_switch(FiberContext *from, const FiberContext *to);
__asm__(".text\n"
        ".type cudasim_switch, @function\n"
        "cudasim_switch:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq (%rsi), %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".size cudasim_switch, .-cudasim_switch\n");

/* A context that runs a function, which never returns. */
static void fiber_make(FiberContext *f, unsigned char *stack, size_t bytes, void (*run)(void)) {
  enum { REGISTERS = 6 };
  void **at = (void **)(((uintptr_t)stack + bytes) & ~(uintptr_t)63);
  *--at = NULL; /* run finds the stack as a call leaves it */
  *--at = (void *)(uintptr_t)run;
  for (int i = 0; i < REGISTERS; i++) *--at = NULL;
  f->stack = at;
}

static void fiber_switch(FiberContext *from, const FiberContext *to) {
  cudasim_switch(from, to);
}

#else
#include <ucontext.h>

typedef ucontext_t FiberContext;

static void fiber_make(FiberContext *f, unsigned char *stack, size_t bytes, void (*run)(void)) {
  getcontext(f);
  f->uc_stack.ss_sp = stack;
  f->uc_stack.ss_size = bytes;
  f->uc_link = NULL;
  makecontext(f, run, 0);
}

static void fiber_switch(FiberContext *from, const FiberContext *to) {
  swapcontext(from, to);
}
#endif

#endif
