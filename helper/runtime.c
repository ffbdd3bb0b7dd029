#include "runtime.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
step_runtime_pid (struct context *context, const struct step *step)
{
  context->pid_file = step_string (step, 0);
  return 0;
}

/* 0: not there, or empty yet. */
static int
written_number (const char *path)
{
  int number = 0;
  FILE *from = fopen (path, "re");
  if (from && fscanf (from, "%d", &number) != 1)
    number = 0;
  if (from)
    fclose (from);
  return number;
}

bool
runtime_has_started (const struct context *context)
{
  return written_number (context->pid_file) > 0;
}

/* proc(5), NSpid: the numbers of a process, ours first, then the one in the runtime's process namespace. */
static bool
has_inner_number (pid_t pid, int wanted)
{
  char path[64], line[256];
  int outer, inner = 0;
  snprintf (path, sizeof path, "/proc/%d/status", (int) pid);
  FILE *from = fopen (path, "re");
  while (from && fgets (line, sizeof line, from) && sscanf (line, "NSpid: %d %d", &outer, &inner) < 2)
    ;
  if (from)
    fclose (from);
  return inner == wanted;
}

static pid_t
child_with_number (const char *path, int wanted)
{
  FILE *children = fopen (path, "re");
  int pid = 0;
  bool found = false;
  while (children && !found && fscanf (children, "%d", &pid) == 1)
    found = has_inner_number (pid, wanted);
  if (children)
    fclose (children);
  return found ? pid : 0;
}

/* Whichever of its threads has made it. */
pid_t
runtime_program (const struct context *context, pid_t runtime)
{
  char path[64 + sizeof ((struct dirent *) NULL)->d_name];
  int wanted = written_number (context->pid_file);
  pid_t pid = 0;
  snprintf (path, sizeof path, "/proc/%d/task", (int) runtime);
  DIR *threads = wanted > 0 ? opendir (path) : NULL;
  for (struct dirent *entry; threads && pid == 0 && (entry = readdir (threads));) {
    snprintf (path, sizeof path, "/proc/%d/task/%s/children", (int) runtime, entry->d_name);
    pid = child_with_number (path, wanted);
  }
  if (threads)
    closedir (threads);
  return pid;
}
