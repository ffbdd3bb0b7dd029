/* Unit tests of the plan decoder, kind by kind; TAP on stdout, built with sanitizers. */
#include "support.h"

static void
put_arguments (struct buffer *to, const char *types)
{
  for (; *types; types++)
    if (strchr ("iI", *types))
      put_integer (to, 7);
    else
      put_bytes (to, "/x", 2);
}

/* Each kind by itself, where it may stand, and damaged. */
static void
test_every_kind (void)
{
  static const struct {
    unsigned kind;
    const char *arguments;
    int phases;
  } all[] = {
#define X(kind_number, name, kind, arguments, phases) { kind_number, arguments, phases },
    STEP_KINDS (X)
#undef X
  };
  uint64_t state = 0x2545f4914f6cdd1du;
  size_t good = 0, count = sizeof all / sizeof *all, refused = 0, rounds = 2000;
  const char *problem;
  for (size_t i = 0; i < count; i++) {
    struct buffer plan = begin ();
    if (!(all[i].phases & HOST) || all[i].kind == STEP_CREATED || all[i].kind == STEP_CLEANUP)
      put_clone (&plan);
    if (all[i].phases == CREATED)
      put_header (&plan, STEP_CREATED, 0, 0);
    put_header (&plan, all[i].kind, 0, (uint32_t) strlen (all[i].arguments));
    put_arguments (&plan, all[i].arguments);
    if (all[i].phases == CREATED || all[i].kind == STEP_CREATED)
      put_header (&plan, STEP_CLEANUP, 0, 0);
    bool accepted = decodes (plan.bytes, plan.size, &problem);
    if (!accepted)
      printf ("# kind %u: %s\n", all[i].kind, problem);
    good += accepted;
    for (size_t round = 0; round < rounds; round++) {
      struct buffer damaged = plan;
      for (uint64_t changes = random_number (&state) % 4 + 1; changes > 0; changes--)
        damaged.bytes[random_number (&state) % damaged.size] = (uint8_t) random_number (&state);
      refused += !decodes (damaged.bytes, damaged.size - random_number (&state) % 3, &problem);
    }
  }
  ok (good == count, "a step of every kind decodes, with the arguments of its kind");
  ok (refused > rounds * count / 2 && refused < rounds * count, "and damaged is decoded or refused, nothing else");
}

int
main (void)
{
  test_every_kind ();
  printf ("1..%d\n", number);
  return failed > 0;
}
