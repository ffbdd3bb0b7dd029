#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
step_exit_text (struct context *context, const struct step *step)
{
  (void) context, (void) step;
  return 0;
}

static bool
has_all (const char *line, const struct step *step)
{
  for (size_t i = 2; i < step->argc; i++)
    if (!strstr (line, step_string (step, i)))
      return false;
  return true;
}

/* A file that is not there has no such line. */
static bool
has_line (const struct step *step)
{
  autofree char *line = NULL;
  size_t room = 0;
  bool found = false;
  FILE *from = fopen (step_string (step, 0), "re");
  while (from && !found && getline (&line, &room, from) > 0)
    found = has_all (line, step);
  if (from)
    fclose (from);
  return found;
}

int
judge (const struct context *context, int status)
{
  const struct plan *plan = context->plan;
  for (size_t i = 0; status != 0 && i < plan->clone; i++)
    if (plan->steps[i].kind == STEP_EXIT_TEXT && has_line (&plan->steps[i]))
      return (int) step_integer (&plan->steps[i], 1) & 0xff;
  return status;
}
