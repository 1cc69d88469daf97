/* two.c - two networks in one program: FIRST and SECOND, prefixes A and B. */
#include FIRST
#include SECOND

#include <stdio.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

int main(void) {
  printf("%s\n%s\n", JOIN(A, _info)(), JOIN(B, _info)());
  return JOIN(A, _init)(NULL, NULL, 1) == JOIN(B, _init)(NULL, NULL, 1) ? 0 : 1;
}
