/* Plans as bytes, whole and broken, and TAP on stdout. */
#ifndef PULLRUN_TESTS_SUPPORT_H
#define PULLRUN_TESTS_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

struct buffer {
  uint8_t bytes[4096];
  size_t size;
};

static int number, failed;

static inline void
ok (bool good, const char *what)
{
  printf ("%sok %d - %s\n", good ? "" : "not ", ++number, what);
  failed += !good;
}

static inline void
put (struct buffer *to, uint64_t value, size_t size)
{
  for (size_t i = 0; i < size; i++)
    to->bytes[to->size++] = (uint8_t) (value >> 8 * i);
}

static inline void
put_bytes (struct buffer *to, const char *bytes, size_t size)
{
  put (to, size, 4);
  memcpy (to->bytes + to->size, bytes, size);
  to->size += size;
  put (to, 0, 1);
}

static inline void
put_integer (struct buffer *to, uint64_t value)
{
  put (to, 8, 4);
  put (to, value, 8);
  put (to, 0, 1);
}

static inline void
put_header (struct buffer *to, unsigned kind, unsigned flags, uint32_t argc)
{
  put (to, kind, 2);
  put (to, flags, 2);
  put (to, argc, 4);
}

static inline struct buffer
begin (void)
{
  struct buffer buffer = { .size = strlen (PLAN_MAGIC) };
  memcpy (buffer.bytes, PLAN_MAGIC, buffer.size);
  return buffer;
}

static inline void
put_clone (struct buffer *to)
{
  put_header (to, STEP_CLONE, 0, 5);
  put_integer (to, 0);
  for (int i = 0; i < 4; i++)
    put_bytes (to, "", 0);
}

/* A copy of exactly this size on the heap, so that the sanitizer sees every byte read beyond it. */
static inline bool
decodes (const uint8_t *bytes, size_t size, const char **problem)
{
  uint8_t *copy = malloc (size ? size : 1);
  struct plan plan;
  struct plan_problem found;
  memcpy (copy, bytes, size);
  bool good = plan_decode (copy, size, &plan, &found);
  if (good)
    plan_free (&plan);
  free (copy);
  *problem = found.text;
  return good;
}

static inline uint64_t
random_number (uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

#endif
