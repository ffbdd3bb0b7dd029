/* Unit tests of the plan decoder, TAP on stdout. Built with sanitizers: a read out of bounds ends the program. */
#include <string.h>

#include "support.h"

/* hint, clone, optional mkdir, exec with two arguments, cleanup, remove-tree */
static struct buffer
sample (void)
{
  struct buffer plan = begin ();
  put_header (&plan, STEP_HINT, 0, 1);
  put_bytes (&plan, "try", 3);
  put_clone (&plan);
  put_header (&plan, STEP_MKDIR, 1, 4);
  put_bytes (&plan, "/dev", 4);
  for (uint64_t i = 0; i < 3; i++)
    put_integer (&plan, 0x1122334455667788u + i);
  put_header (&plan, STEP_EXEC, 0, 2);
  put_bytes (&plan, "sh", 2);
  put_bytes (&plan, "-l", 2);
  put_header (&plan, STEP_CLEANUP, 0, 0);
  put_header (&plan, STEP_REMOVE_TREE, 0, 1);
  put_bytes (&plan, "/x", 2);
  return plan;
}

/* clone, loopback, created, write, cleanup */
static struct buffer
sample_with_created (void)
{
  struct buffer plan = begin ();
  put_clone (&plan);
  put_header (&plan, STEP_LOOPBACK, 0, 0);
  put_header (&plan, STEP_CREATED, 0, 0);
  put_header (&plan, STEP_WRITE, 0, 2);
  put_bytes (&plan, "/x", 2);
  put_bytes (&plan, "1", 1);
  put_header (&plan, STEP_CLEANUP, 0, 0);
  return plan;
}

static void
test_sample (void)
{
  struct buffer bytes = sample ();
  struct plan plan;
  struct plan_problem problem;
  bool good = plan_decode (bytes.bytes, bytes.size, &plan, &problem);
  ok (good, "a plan with all phases decodes");
  if (!good)
    return;
  ok (plan.count == 6 && plan.clone == 1 && plan.cleanup == 4, "phases are found");
  ok (plan.steps[2].optional && !plan.steps[3].optional, "the optional flag is kept");
  ok (step_integer (&plan.steps[2], 2) == 0x1122334455667789u, "integers keep all 64 bits");
  ok (plan.steps[3].argc == 2 && strcmp (step_string (&plan.steps[3], 1), "-l") == 0, "lists keep their order");
  ok (strcmp (step_name (plan.steps[5].kind), "remove-tree") == 0, "kinds have names");
  plan_free (&plan);
}

static void
test_created (void)
{
  struct buffer bytes = sample ();
  struct plan plan;
  struct plan_problem problem;
  bool good = plan_decode (bytes.bytes, bytes.size, &plan, &problem);
  ok (good && plan.created == plan.cleanup, "without a created phase it is empty, before cleanup");
  plan_free (&plan);
  bytes = sample_with_created ();
  good = plan_decode (bytes.bytes, bytes.size, &plan, &problem);
  ok (good && plan.clone == 0 && plan.created == 2 && plan.cleanup == 4, "the created phase is found");
  plan_free (&plan);
}

static void
test_truncation (void)
{
  struct buffer bytes = sample ();
  size_t accepted = 0;
  const char *problem;
  for (size_t size = 0; size < bytes.size; size++)
    accepted += decodes (bytes.bytes, size, &problem);
  /* After hint, clone, mkdir, exec and cleanup a shorter plan is a plan. */
  ok (accepted == 5, "cut anywhere but between steps, a plan is refused");
}

static void
test_mutations (void)
{
  uint64_t state = 0x9e3779b97f4a7c15u;
  size_t refused = 0, rounds = 100000;
  for (size_t round = 0; round < rounds; round++) {
    struct buffer bytes = sample ();
    const char *problem;
    for (uint64_t changes = random_number (&state) % 4 + 1; changes > 0; changes--)
      bytes.bytes[random_number (&state) % bytes.size] = (uint8_t) random_number (&state);
    refused += !decodes (bytes.bytes, bytes.size - random_number (&state) % 3, &problem);
  }
  ok (refused > rounds / 2 && refused < rounds, "100000 damaged plans are decoded or refused, nothing else");
}

static void
refused (const struct buffer *plan, const char *reason, const char *what)
{
  const char *problem;
  bool good = decodes (plan->bytes, plan->size, &problem);
  if (good || strcmp (problem, reason) != 0)
    printf ("# observed: %s\n", good ? "accepted" : problem);
  ok (!good && strcmp (problem, reason) == 0, what);
}

static void
test_bad_records (void)
{
  struct buffer plan = begin ();
  refused (&plan, "no steps", "a plan without steps");
  put_header (&plan, 0, 0, 0);
  refused (&plan, "unknown kind of step", "kind 0");
  plan = begin ();
  put_header (&plan, STEP_KIND_LIMIT, 0, 0);
  refused (&plan, "unknown kind of step", "the kind after the last");
  plan = begin ();
  put_header (&plan, STEP_PIVOT, 2, 0);
  refused (&plan, "unknown flag", "a flag of a later version");
  plan = begin ();
  put_header (&plan, STEP_PIVOT, 0, 0xffffffffu);
  refused (&plan, "ends inside an argument", "four billion arguments");
  plan = begin ();
  put_header (&plan, STEP_HINT, 0, 1);
  put (&plan, 0xffffffffu, 4);
  put (&plan, 0, 8);
  refused (&plan, "ends inside an argument", "an argument of four gigabytes");
  plan = begin ();
  put_header (&plan, STEP_HINT, 0, 1);
  put (&plan, 1, 4);
  put (&plan, 'a', 1);
  put (&plan, 'b', 1);
  refused (&plan, "argument without its NUL", "an unterminated argument");
  plan.bytes[0] = 'p';
  refused (&plan, "not a plan of this version (expected PULLRUN1)", "another magic");
}

static void
test_bad_arguments (void)
{
  struct buffer plan = begin ();
  put_header (&plan, STEP_HINT, 0, 1);
  put_bytes (&plan, "a\0b", 3);
  refused (&plan, "string with a NUL inside", "a string that C would cut");
  plan = begin ();
  put_header (&plan, STEP_UMASK, 0, 1);
  put_bytes (&plan, "1234567", 7);
  refused (&plan, "integer of other than 8 bytes", "an integer of 7 bytes");
  plan = begin ();
  put_header (&plan, STEP_EXEC, 0, 0);
  refused (&plan, "wrong number of arguments", "exec of nothing");
  plan = begin ();
  put_header (&plan, STEP_UMASK, 0, 2);
  put_integer (&plan, 1);
  put_integer (&plan, 2);
  refused (&plan, "wrong number of arguments", "an argument too many");
}

static void
test_bad_phases (void)
{
  struct buffer plan = begin ();
  put_clone (&plan);
  put_clone (&plan);
  refused (&plan, "a second one", "two clones");
  plan = begin ();
  put_header (&plan, STEP_CLEANUP, 0, 0);
  refused (&plan, "cleanup without a clone before it", "cleanup of nothing");
  plan = begin ();
  put_header (&plan, STEP_PIVOT, 0, 0);
  put_clone (&plan);
  refused (&plan, "not a step for before clone", "a container step on the host");
  plan = begin ();
  put_clone (&plan);
  put_header (&plan, STEP_LOCK, 0, 1);
  put_bytes (&plan, "/x", 2);
  refused (&plan, "not a step for after clone", "a host step in the container");
  plan = begin ();
  put_clone (&plan);
  put_header (&plan, STEP_CLEANUP, 0, 0);
  put_header (&plan, STEP_PIVOT, 0, 0);
  refused (&plan, "not a cleanup step", "a container step in cleanup");
  plan = begin ();
  put_clone (&plan);
  put_header (&plan, STEP_CREATED, 0, 0);
  put_header (&plan, STEP_LOOPBACK, 0, 0);
  refused (&plan, "not a step for after created", "a container step in the supervisor");
  plan = begin ();
  put_header (&plan, STEP_CREATED, 0, 0);
  refused (&plan, "created not between clone and cleanup", "created with nothing cloned");
  plan = begin ();
  put_clone (&plan);
  put_header (&plan, STEP_CLEANUP, 0, 0);
  put_header (&plan, STEP_CREATED, 0, 0);
  refused (&plan, "created not between clone and cleanup", "created after the end");
}

/* exec of so many empty strings */
static uint8_t *
many_arguments (uint32_t count, size_t *size)
{
  struct buffer head = begin ();
  put_header (&head, STEP_EXEC, 0, count);
  *size = head.size + (size_t) count * 5;
  uint8_t *bytes = calloc (1, *size);
  if (!bytes)
    abort ();
  memcpy (bytes, head.bytes, head.size);
  return bytes;
}

static void
test_limits (void)
{
  const char *problem;
  struct buffer small = begin ();
  struct plan plan;
  struct plan_problem large;
  size_t size;
  bool good = plan_decode (small.bytes, PLAN_MAX_BYTES + 1, &plan, &large);
  ok (!good && strcmp (large.text, "larger than 64 MiB") == 0, "a plan over the limit is refused unread");
  uint8_t *most = many_arguments (PLAN_MAX_ARGUMENTS, &size);
  ok (decodes (most, size, &problem), "as many arguments as may be");
  free (most);
  uint8_t *more = many_arguments (PLAN_MAX_ARGUMENTS + 1, &size);
  good = decodes (more, size, &problem);
  ok (!good && strcmp (problem, "too many arguments") == 0, "an argument more than may be");
  free (more);
}

int
main (void)
{
  test_sample ();
  test_created ();
  test_truncation ();
  test_mutations ();
  test_bad_records ();
  test_bad_arguments ();
  test_bad_phases ();
  test_limits ();
  printf ("1..%d\n", number);
  return failed > 0;
}
