#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "service.h"

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

/* To be freed. A file that is not there has no such line. */
static char *
find_line (const struct step *step)
{
  char *line = NULL;
  size_t room = 0;
  bool found = false;
  FILE *from = fopen (step_string (step, 0), "re");
  while (from && !found && getline (&line, &room, from) > 0)
    found = has_all (line, step);
  if (from)
    fclose (from);
  if (!found)
    free (line);
  return found ? line : NULL;
}

/* The value of "msg" in a line of JSON, quotes in it included, in place. */
static const char *
message_of (char *line)
{
  static const char key[] = "\"msg\":\"";
  char *from = strstr (line, key), *to = from;
  if (!from)
    return line;
  const char *start = from;
  for (from += strlen (key); *from && *from != '"' && *from != '\n'; from++) {
    from += *from == '\\' && from[1];
    *to++ = *from;
  }
  *to = 0;
  return start;
}

/* In the foreground the runtime has said it itself; in the background that went to the log. */
static void
tell (const struct context *context, char *line, int status)
{
  if (!context->service || context->service->ready < 0)
    return;
  const char *message = message_of (line);
  fail_with (0, "", "%s", message);
  record_error (message);
  bool about_program = status == EXIT_NOT_FOUND || status == EXIT_NOT_EXECUTABLE;
  report_failure (context, 0, about_program ? "exec" : "program");
}

int
judge (const struct context *context, int status)
{
  const struct plan *plan = context->plan;
  for (size_t i = 0; status != 0 && i < plan->clone; i++) {
    if (plan->steps[i].kind != STEP_EXIT_TEXT)
      continue;
    autofree char *line = find_line (&plan->steps[i]);
    if (!line)
      continue;
    int code = (int) step_integer (&plan->steps[i], 1) & 0xff;
    tell (context, line, code);
    return code;
  }
  return status;
}
