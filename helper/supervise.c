#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials.h"
#include "join.h"
#include "kernel.h"
#include "network.h"
#include "process.h"
#include "program.h"
#include "service.h"

/* user_namespaces(7): at most 340 lines of three numbers. */
#define MAX_MAP_WORDS (340 * 3)

static void
proc_path (char path[64], pid_t pid, const char *file)
{
  snprintf (path, 64, "/proc/%d/%s", (int) pid, file);
}

/* newuidmap PID INSIDE OUTSIDE COUNT ... : the words of the map lines are its arguments. */
static int
map_with_program (const char *program, pid_t child, const char *map)
{
  autofree char *copy = strdup (map);
  autofree char **argv = calloc (MAX_MAP_WORDS + 3, sizeof *argv);
  char pid[16], *state = NULL;
  size_t argc = 2;
  if (!copy || !argv)
    return fail ("", "cannot map ids");
  snprintf (pid, sizeof pid, "%d", (int) child);
  argv[0] = (char *) (uintptr_t) program;
  argv[1] = pid;
  for (char *word = strtok_r (copy, " \n", &state); word; word = strtok_r (NULL, " \n", &state)) {
    if (argc == MAX_MAP_WORDS + 2)
      return fail_with (E2BIG, program, "cannot map ids");
    argv[argc++] = word;
  }
  return run_program (argv, -1, "the id map was refused");
}

static int
map_directly (pid_t child, const char *file, const char *map)
{
  char path[64];
  proc_path (path, child, file);
  return write_file (path, map, strlen (map)) < 0 ? fail (path, "cannot map ids") : 0;
}

static int
map_ids (const struct step *step, pid_t child)
{
  const char *uid_map = step_string (step, 1), *gid_map = step_string (step, 2);
  const char *newuidmap = step_string (step, 3), *newgidmap = step_string (step, 4);
  if (*newgidmap && map_with_program (newgidmap, child, gid_map) < 0)
    return -1;
  /* user_namespaces(7): without CAP_SETGID a gid map is only accepted once setgroups is denied. */
  if (!*newgidmap && !have_capability (CAP_SETGID) && map_directly (child, "setgroups", "deny") < 0)
    return -1;
  if (!*newgidmap && map_directly (child, "gid_map", gid_map) < 0)
    return -1;
  return *newuidmap ? map_with_program (newuidmap, child, uid_map) : map_directly (child, "uid_map", uid_map);
}

static int
enter_cgroups (const struct step *step, pid_t child)
{
  char pid[16];
  int size = snprintf (pid, sizeof pid, "%d", (int) child);
  for (size_t i = 5; i < step->argc; i++)
    if (write_file (step_string (step, i), pid, (size_t) size) < 0)
      return fail (step_string (step, i), "cannot enter the cgroup");
  return 0;
}

/* What the child cannot do for itself, while it waits at the pipe. */
static int
prepare_child (struct context *context, const struct step *step, struct child *child)
{
  char path[64];
  if (context->user_namespace > 0)
    child->namespace = context->user_namespace;
  if (step_integer (step, 0) & CLONE_NEWUSER) {
    proc_path (path, child->pid, "ns/user");
    if (context->plan->cleanup < context->plan->count)
      child->namespace = open (path, O_RDONLY | O_CLOEXEC);
    if (map_ids (step, child->pid) < 0)
      return -1;
  }
  return enter_cgroups (step, child->pid);
}

/* The first id of a map, the root of its namespace: 0, or in a namespace of one id whatever that one is. */
static uint32_t
first_id (const char *map)
{
  return (uint32_t) strtoul (map, NULL, 10);
}

static int
become_namespace_root (const struct step *step)
{
  uint32_t uid = first_id (step_string (step, 1)), gid = first_id (step_string (step, 2));
  if (setresgid (gid, gid, gid) < 0 || setresuid (uid, uid, uid) < 0)
    return fail ("", "cannot become root of the user namespace");
  return 0;
}

static int
begin_child (struct context *context, const struct step *step, const int go[2])
{
  char byte;
  close (go[1]);
  release_ports ();
  if (context->service && streams_take (context) < 0)
    return -1;
  /* End of file: the supervisor has failed and told why. */
  if (read (go[0], &byte, 1) != 1)
    _exit (EXIT_OURS);
  context->supervisor = go[0];
  /* Out of the terminal's reach: no controlling terminal (TIOCSTI, CVE-2017-5226), no direct Ctrl-C. */
  setsid ();
  if (step_integer (step, 0) & CLONE_NEWUSER && become_namespace_root (step) < 0)
    return -1;
  die_with_supervisor (context);
  /* CVE-2016-9962: nothing in the namespaces may attach to us before exec. Only now: the maps needed our /proc files. */
  prctl (PR_SET_DUMPABLE, 0);
  return 0;
}

static int
clone_failed (uint64_t flags)
{
  if (flags & CLONE_NEWUSER)
    return fail ("", "cannot create user namespace");
  return fail ("", flags ? "cannot create namespaces" : "cannot start a process");
}

int
start_child (struct context *context, const struct step *step, struct child *child)
{
  uint64_t flags = step_integer (step, 0);
  sigset_t all;
  int go[2], told[2];
  if (pipe2 (go, O_CLOEXEC) < 0 || pipe2 (told, O_CLOEXEC) < 0)
    return fail ("", "cannot make a pipe");
  child->leash = go[1];
  child->started = told[0];
  fcntl (told[0], F_SETFL, O_NONBLOCK);
  context->started = told[1];
  sigfillset (&all);
  sigprocmask (SIG_BLOCK, &all, NULL);
  child->own_pids = flags & CLONE_NEWPID || context->join_count > 0;
  /* Orphans come to us instead of the host's init, so that they can be ended with the container. */
  if (!child->own_pids)
    prctl (PR_SET_CHILD_SUBREAPER, 1);
  bool started = true;
  if (context->join_count > 0)
    started = clone_joined (context, flags, &child->pid) == 0;
  else
    child->pid = k_clone (flags);
  if (child->pid < 0)
    return clone_failed (flags);
  if (child->pid == 0)
    return started ? begin_child (context, step, go) : -1;
  close (go[0]);
  /* go[1] stays open: that it closes tells the child of our death. */
  child->go = started ? go[1] : -1;
  /* It has reported what went wrong, and its end is reaped as any child's. */
  if (!started)
    return 0;
  if (prepare_child (context, step, child) == 0)
    return 0;
  kill_child (child);
  return -1;
}

int
let_go (const struct child *child)
{
  return child->go >= 0 && write_all (child->go, "", 1) < 0 ? fail ("", "cannot start the process") : 0;
}

void
kill_child (const struct child *child)
{
  kill (child->pid, SIGKILL);
  waitpid (child->pid, NULL, 0);
}
