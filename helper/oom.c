#include "oom.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "service.h"

int
step_oom_file (struct context *context, const struct step *step)
{
  context->oom_file = step;
  return 0;
}

/* A count in a file of `key count` lines (memory.events, memory.oom_control); before the cgroup goes, and it with it. */
static bool
was_oom_killed (const struct step *step)
{
  char line[256];
  unsigned long count = 0;
  const char *key = step_string (step, 1);
  FILE *from = fopen (step_string (step, 0), "re");
  while (from && fgets (line, sizeof line, from))
    if (strncmp (line, key, strlen (key)) == 0 && line[strlen (key)] == ' ')
      count = strtoul (line + strlen (key), NULL, 10);
  if (from)
    fclose (from);
  return count > 0;
}

void
note_oom (struct context *context, int status)
{
  static const char note[] = "pullrun: the container was out of memory, and killed (see --memory)\n";
  if (!context->oom_file || !was_oom_killed (context->oom_file))
    return;
  record_oom ();
  if (status != EXIT_BY_SIGNAL + SIGKILL)
    return;
  if (context->service)
    clients_send (context->service, PACKET_NOTE, note, sizeof note - 1);
  else
    (void) !write (STDERR_FILENO, note, sizeof note - 1);
}
