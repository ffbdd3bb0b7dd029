#include "plan.h"

#include <stdlib.h>
#include <string.h>

struct kind_info {
  const char *name;
  const char *arguments;
  int phases;
};

static const struct kind_info kinds[STEP_KIND_LIMIT] = {
#define X(number, name, kind, arguments, phases) [number] = { kind, arguments, phases },
  STEP_KINDS (X)
#undef X
};

struct cursor {
  const uint8_t *at;
  size_t left;
};

static bool
take (struct cursor *from, size_t size, const uint8_t **bytes)
{
  if (from->left < size)
    return false;
  *bytes = from->at;
  from->at += size;
  from->left -= size;
  return true;
}

uint64_t
little_endian (const uint8_t *bytes, size_t size)
{
  uint64_t value = 0;
  for (size_t i = size; i > 0; i--)
    value = value << 8 | bytes[i - 1];
  return value;
}

static bool
take_integer (struct cursor *from, size_t size, uint64_t *value)
{
  const uint8_t *bytes;
  if (!take (from, size, &bytes))
    return false;
  *value = little_endian (bytes, size);
  return true;
}

static const char *
take_argument (struct cursor *from, struct argument *argument)
{
  const uint8_t *bytes;
  uint64_t length;
  if (!take_integer (from, 4, &length) || !take (from, (size_t) length + 1, &bytes))
    return "ends inside an argument";
  if (bytes[length] != 0)
    return "argument without its NUL";
  *argument = (struct argument){ (const char *) bytes, (uint32_t) length };
  return NULL;
}

static const char *
check_argument (char type, const struct argument *argument)
{
  if (type == 'i' || type == 'I')
    return argument->length == 8 ? NULL : "integer of other than 8 bytes";
  if (type != 'b' && memchr (argument->bytes, 0, argument->length) != NULL)
    return "string with a NUL inside";
  return NULL;
}

static const char *
check_arguments (const struct step *step, const char *types)
{
  size_t fixed = strlen (types);
  char rest = fixed > 0 && strchr ("SPI", types[fixed - 1]) ? types[fixed - 1] : 0;
  if (rest)
    fixed--;
  if (step->argc < fixed + (rest == 'P') || (!rest && step->argc > fixed))
    return "wrong number of arguments";
  for (size_t i = 0; i < step->argc; i++) {
    const char *problem = check_argument (i < fixed ? types[i] : rest, &step->argv[i]);
    if (problem)
      return problem;
  }
  return NULL;
}

static const char *
check_place (const struct plan *plan, size_t index)
{
  int phases = kinds[plan->steps[index].kind].phases;
  if (plan->cleanup < index)
    return phases & CLEANUP ? NULL : "not a cleanup step";
  if (plan->created < index)
    return phases & CREATED ? NULL : "not a step for after created";
  if (plan->clone < index)
    return phases & CHILD ? NULL : "not a step for after clone";
  if (plan->clone < plan->count)
    return phases & HOST ? NULL : "not a step for before clone";
  return NULL;
}

static size_t *
phase_start (struct plan *plan, enum step_kind kind)
{
  switch ((int) kind) {
  case STEP_CLONE:
    return &plan->clone;
  case STEP_CREATED:
    return &plan->created;
  case STEP_CLEANUP:
    return &plan->cleanup;
  default:
    return NULL;
  }
}

static const char *
check_phases (struct plan *plan, size_t *at)
{
  plan->clone = plan->created = plan->cleanup = plan->count;
  for (*at = 0; *at < plan->count; ++*at) {
    size_t *seen = phase_start (plan, plan->steps[*at].kind);
    if (seen && *seen < plan->count)
      return "a second one";
    if (seen)
      *seen = *at;
  }
  *at = plan->cleanup;
  if (plan->cleanup < plan->count && plan->clone > plan->cleanup)
    return "cleanup without a clone before it";
  *at = plan->created;
  if (plan->created < plan->count && (plan->clone > plan->created || plan->created > plan->cleanup))
    return "created not between clone and cleanup";
  if (plan->created == plan->count)
    plan->created = plan->cleanup;
  for (*at = 0; *at < plan->count; ++*at) {
    const char *problem = check_place (plan, *at);
    if (problem)
      return problem;
  }
  return NULL;
}

/* One record; with `arguments` NULL it is only measured. */
static const char *
take_step (struct cursor *from, struct step *step, struct argument *arguments)
{
  uint64_t kind, flags, argc;
  if (!take_integer (from, 2, &kind) || !take_integer (from, 2, &flags) || !take_integer (from, 4, &argc))
    return "ends inside a step";
  if (kind == 0 || kind >= STEP_KIND_LIMIT || kinds[kind].name == NULL)
    return "unknown kind of step";
  if (flags > 1)
    return "unknown flag";
  for (uint64_t i = 0; i < argc; i++) {
    struct argument scratch;
    const char *problem = take_argument (from, arguments ? &arguments[i] : &scratch);
    if (problem)
      return problem;
  }
  *step = (struct step){ (enum step_kind) kind, flags & 1, (size_t) argc, arguments };
  return arguments ? check_arguments (step, kinds[kind].arguments) : NULL;
}

/* Counts first, so that the second pass needs just one allocation each for steps and arguments. */
static const char *
measure (struct cursor from, size_t *steps, size_t *arguments)
{
  for (*steps = 0, *arguments = 0; from.left > 0; ++*steps) {
    struct step step;
    const char *problem = take_step (&from, &step, NULL);
    if (problem)
      return problem;
    *arguments += step.argc;
    if (*arguments > PLAN_MAX_ARGUMENTS)
      return "too many arguments";
  }
  return *steps > 0 ? NULL : "no steps";
}

static const char *
decode_steps (struct cursor from, struct plan *plan, size_t *at)
{
  struct argument *next = plan->arguments;
  for (*at = 0; *at < plan->count; ++*at) {
    const char *problem = take_step (&from, &plan->steps[*at], next);
    if (problem)
      return problem;
    next += plan->steps[*at].argc;
  }
  return check_phases (plan, at);
}

bool
plan_decode (const uint8_t *bytes, size_t size, struct plan *plan, struct plan_problem *problem)
{
  struct cursor from = { bytes, size };
  const uint8_t *magic;
  size_t arguments, at = 0;
  *plan = (struct plan){ 0 };
  *problem = (struct plan_problem){ 0, NULL };
  if (size > PLAN_MAX_BYTES)
    problem->text = "larger than 64 MiB";
  else if (!take (&from, strlen (PLAN_MAGIC), &magic) || memcmp (magic, PLAN_MAGIC, strlen (PLAN_MAGIC)) != 0)
    problem->text = "not a plan of this version (expected " PLAN_MAGIC ")";
  if (problem->text)
    return false;
  problem->text = measure (from, &at, &arguments);
  if (!problem->text) {
    plan->count = at;
    plan->steps = calloc (at, sizeof *plan->steps);
    plan->arguments = calloc (arguments + 1, sizeof *plan->arguments);
    problem->text = plan->steps && plan->arguments ? decode_steps (from, plan, &at) : "out of memory";
  }
  if (problem->text) {
    problem->step = at + 1;
    plan_free (plan);
  }
  return problem->text == NULL;
}

void
plan_free (struct plan *plan)
{
  free (plan->steps);
  free (plan->arguments);
  *plan = (struct plan){ 0 };
}

const char *
step_name (enum step_kind kind)
{
  return kinds[kind].name;
}

uint64_t
step_integer (const struct step *step, size_t index)
{
  return little_endian ((const uint8_t *) step->argv[index].bytes, 8);
}

const char *
step_string (const struct step *step, size_t index)
{
  return step->argv[index].bytes;
}
