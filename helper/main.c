/*
 * pullrun-helper run PLAN [STATUS_FD [timed]]      execute the plan in the file PLAN, or read from descriptor N with fd:N;
 *                                                  timed: the time of each step goes to STATUS_FD as well
 * pullrun-helper start PLAN detached [STATUS_FD [timed]]
 *                                                  the same under a supervisor in the background
 * pullrun-helper start PLAN attached STREAMS PROXY KEYS [STATUS_FD [timed]]
 * pullrun-helper attach DIR STREAMS PROXY KEYS     join our streams with those of a container started so
 * pullrun-helper lock PATH                         hold an exclusive lock until end of input
 * pullrun-helper locks                             take and release locks as standard input asks for
 *
 * STREAMS: which of ours, such as 012 for all, - for none; PROXY: signals or nosignals; KEYS: the bytes that detach, in hexadecimal.
 *
 * All policy is in the plan (src/helper/plan.ts); nothing is looked up here, no environment, no configuration, no user
 * database. Order of things: refuse privilege we were not meant to have; read and check the whole plan; host phase;
 * clone; in the child namespaces, mounts, pivot, credentials, exec; in the supervisor signals, reaping, cleanup.
 * What an image's author controls is only ever touched through descriptors: below root.c, or as entries.c makes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "background.h"
#include "client.h"
#include "locks.h"
#include "process.h"
#include "run.h"
#include "seal.h"
#include "system.h"

static int
refuse (const struct context *context, const char *object, const char *what)
{
  fail_with (0, object, "%s", what);
  report_failure (context, 0, "");
  return EXIT_OURS;
}

/* bubblewrap dropped setuid after CVE-2026-41163: a mode nobody needs is a mode nobody can attack. */
static bool
is_privileged_file (void)
{
  return getauxval (AT_SECURE) != 0 || getuid () != geteuid () || getgid () != getegid ();
}

/* So that no file of ours ends up as somebody's standard output. */
static void
open_standard_descriptors (void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl (fd, F_GETFD) < 0 && open ("/dev/null", O_RDWR) != fd)
      _exit (EXIT_OURS);
}

/* A descriptor above 2, in decimal; -1 for anything else. */
static int
parse_descriptor (const char *text)
{
  char *end;
  long fd = strtol (text, &end, 10);
  bool valid = *text >= '1' && *text <= '9' && !*end && fd > 2 && fd < 1 << 20;
  return valid && fcntl ((int) fd, F_SETFD, FD_CLOEXEC) == 0 ? (int) fd : -1;
}

static int
open_plan (const char *path)
{
  if (strncmp (path, "fd:", 3) != 0)
    return open (path, O_RDONLY | O_CLOEXEC);
  int fd = parse_descriptor (path + 3);
  if (fd < 0)
    errno = EBADF;
  return fd;
}

/* Never freed: the decoded plan points into it. */
static uint8_t *
read_plan (const char *path, size_t *size)
{
  autoclose int fd = open_plan (path);
  uint8_t *bytes = NULL;
  ssize_t got = fd < 0 ? -1 : 1;
  for (size_t capacity = 0; got != 0 && fd >= 0; *size += got > 0 ? (size_t) got : 0) {
    if (*size == capacity) {
      capacity = capacity ? capacity * 2 : (size_t) 64 << 10;
      uint8_t *grown = capacity <= 2 * PLAN_MAX_BYTES ? realloc (bytes, capacity) : NULL;
      errno = grown ? errno : EFBIG;
      if (!grown)
        break;
      bytes = grown;
    }
    got = read (fd, bytes + *size, capacity - *size);
    if (got < 0 && errno != EINTR)
      break;
  }
  if (got == 0)
    return bytes;
  fail (path, "cannot read the plan");
  free (bytes);
  return NULL;
}

/* `client`: with it whoever starts something in the background stays attached. */
static int
run (struct context *context, char **argv, bool background, const struct client_options *client)
{
  const char *path = argv[2];
  static struct plan plan;
  struct plan_problem problem;
  size_t size = 0;
  uint8_t *bytes = read_plan (path, &size);
  if (!bytes) {
    report_failure (context, 0, "plan");
    return EXIT_OURS;
  }
  if (!plan_decode (bytes, size, &plan, &problem)) {
    fail_with (EPROTO, path, "plan refused, step %zu: %s", problem.step, problem.text);
    report_failure (context, problem.step, "plan");
    free (bytes);
    return EXIT_OURS;
  }
  context->plan = &plan;
  if (plan.steps[0].kind == STEP_SEAL && seal_ourselves (context, argv, bytes, size) < 0) {
    report_failure (context, 1, step_name (STEP_SEAL));
    return EXIT_OURS;
  }
  /* SIGCHLD ignored by whoever started us would make children vanish unreaped. */
  reset_signals ();
  context->umask = umask (0);
  return background ? start_in_background (context, client) : run_plan (context);
}

/*
 * SIGIO, whose default action is to end the process, comes when our input reaches its end: the only way out of
 * waiting in flock. Nothing is ever written to us.
 */
static void
die_at_end_of_input (void)
{
  struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
  reset_signals ();
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  fcntl (STDIN_FILENO, F_SETOWN, getpid ());
  fcntl (STDIN_FILENO, F_SETFL, fcntl (STDIN_FILENO, F_GETFL) | O_ASYNC);
  if (poll (&input, 1, 0) > 0)
    _exit (0);
}

static int
hold_lock (const struct context *context, const char *path)
{
  struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
  die_at_end_of_input ();
  if (lock_file (path, 0) < 0) {
    fail (path, "cannot lock");
    report_failure (context, 0, "lock");
    return EXIT_OURS;
  }
  if (write_all (STDOUT_FILENO, "locked\n", 7) < 0)
    return EXIT_OURS;
  while (poll (&input, 1, -1) < 0 && errno == EINTR)
    ;
  return 0;
}

static bool
parse_client (char **argv, struct client_options *options)
{
  const char *streams = argv[0];
  *options = (struct client_options){ .input = strchr (streams, '0') != NULL,
                                      .output = { strchr (streams, '1') != NULL, strchr (streams, '2') != NULL },
                                      .proxy = strcmp (argv[1], "signals") == 0,
                                      .keys = argv[2] };
  return *streams && strspn (streams, "-012") == strlen (streams)
         && (options->proxy || strcmp (argv[1], "nosignals") == 0);
}

/* [STATUS_FD [timed]] */
static bool
parse_status (struct context *context, int count, char **words)
{
  context->timed = count == 2 && strcmp (words[1], "timed") == 0;
  if (count == 0)
    return true;
  context->status_fd = parse_descriptor (words[0]);
  return context->status_fd >= 0 && (count == 1 || context->timed);
}

static int
dispatch (struct context *context, int argc, char **argv)
{
  const char *verb = argc > 2 ? argv[1] : "", *object = argc > 2 ? argv[2] : "", *how = argc > 3 ? argv[3] : "";
  struct client_options options;
  if (strcmp (verb, "lock") == 0 && argc == 3)
    return hold_lock (context, object);
  if (argc == 2 && strcmp (argv[1], "locks") == 0)
    return serve_locks ();
  if (strcmp (verb, "run") == 0 && parse_status (context, argc - 3, argv + 3))
    return run (context, argv, false, NULL);
  if (strcmp (verb, "start") == 0 && strcmp (how, "detached") == 0 && parse_status (context, argc - 4, argv + 4))
    return run (context, argv, true, NULL);
  if (strcmp (verb, "start") == 0 && strcmp (how, "attached") == 0 && argc >= 7 && parse_client (argv + 4, &options)
      && parse_status (context, argc - 7, argv + 7))
    return run (context, argv, true, &options);
  if (strcmp (verb, "attach") == 0 && argc == 6 && parse_client (argv + 3, &options))
    return client_attach (context, object, &options);
  return refuse (context, verb, "wrong arguments (expected run, start, attach, lock or locks; see main.c)");
}

int
main (int argc, char **argv)
{
  struct context context = { .status_fd = -1, .root = -1, .supervisor = -1, .hint = "", .started = -1, .lock = -1 };
  if (argc > 0)
    context.arguments = argv[0], context.argument_bytes = (size_t) (argv[argc - 1] - argv[0]) + strlen (argv[argc - 1]) + 1;
  open_standard_descriptors ();
  /* Started by descriptor, our name would be its number. */
  prctl (PR_SET_NAME, "pullrun-helper");
  if (is_privileged_file ())
    return refuse (&context, argv[0], "refusing to run setuid or with file capabilities");
  _exit (dispatch (&context, argc, argv));
}
