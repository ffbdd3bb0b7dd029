#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"

int
step_rlimit (struct context *context, const struct step *step)
{
  struct rlimit limit = { step_integer (step, 1), step_integer (step, 2) };
  int resource = (int) step_integer (step, 0);
  char number[16];
  if (resource == RLIMIT_NOFILE)
    context->files_raised = false;
  snprintf (number, sizeof number, "%d", resource);
  return setrlimit ((__rlimit_resource_t) resource, &limit) < 0 ? fail (number, "cannot set resource limit") : 0;
}

int
step_umask (struct context *context, const struct step *step)
{
  context->umask = (mode_t) step_integer (step, 0) & 0777;
  return 0;
}

/*
 * CVE-2024-21626: an image's WorkingDir of /proc/self/fd/7 must not lead to a host directory we hold open. Magic links
 * are refused, and the result has to have a path from the container's root: getcwd(2) reports "(unreachable)", which
 * the C library turns into ENOENT, for anything outside.
 */
int
step_working_dir (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  struct k_open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = K_NO_MAGICLINKS };
  char cwd[PATH_MAX];
  (void) context;
  autoclose int dir = path[0] == '/' ? k_openat2 (AT_FDCWD, path, how) : (errno = EINVAL, -1);
  if (dir < 0 || fchdir (dir) < 0)
    return fail (path, "cannot change to the working directory");
  if (!getcwd (cwd, sizeof cwd) || cwd[0] != '/') {
    /* Whatever comes after a refusal is not to be there. */
    (void) !chdir ("/");
    return fail_with (EXDEV, path, "working directory is outside the container");
  }
  return 0;
}

/* All arguments of a step as execve takes them, to be freed; NULL with errno. */
static char **
strings_of (const struct step *step)
{
  char **strings = calloc (step->argc + 1, sizeof *strings);
  for (size_t i = 0; strings && i < step->argc; i++)
    strings[i] = (char *) (uintptr_t) step_string (step, i);
  return strings;
}

int
step_environment (struct context *context, const struct step *step)
{
  char **entries = strings_of (step);
  if (!entries)
    return fail ("", "cannot set the environment");
  free (context->environment);
  context->environment = entries;
  return 0;
}

/* Node leaves SIGPIPE ignored and may have set O_NONBLOCK on our stdin, stdout and stderr. */
void
reset_dispositions (void)
{
  struct sigaction standard = { .sa_handler = SIG_DFL };
  for (int number = 1; number < NSIG; number++)
    sigaction (number, &standard, NULL);
}

void
reset_signals (void)
{
  sigset_t none;
  reset_dispositions ();
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

static void
reset_descriptors (void)
{
  for (int fd = 0; fd <= 2; fd++) {
    int flags = fcntl (fd, F_GETFL);
    if (flags >= 0 && flags & O_NONBLOCK)
      fcntl (fd, F_SETFL, flags & ~O_NONBLOCK);
  }
  if (syscall (K_CLOSE_RANGE, 3, ~0U, K_CLOSE_RANGE_CLOEXEC) == 0)
    return;
  /* Linux before 5.11. The limit may have been lowered below open descriptors, hence the minimum. */
  struct rlimit limit = { 0 };
  getrlimit (RLIMIT_NOFILE, &limit);
  int last = limit.rlim_max > 1 << 20 ? 1 << 20 : limit.rlim_max < 65536 ? 65536 : (int) limit.rlim_max;
  for (int fd = 3; fd < last; fd++)
    fcntl (fd, F_SETFD, FD_CLOEXEC);
}

static const char *
search_path (char *const *environment)
{
  const char *path = "";
  for (; *environment; environment++)
    if (strncmp (*environment, "PATH=", 5) == 0)
      path = *environment + 5;
  return path;
}

/*
 * execvp(3)'s search, over the container's PATH instead of ours and without handing unknown formats to a shell.
 * Returns the errno to report; "not permitted" outweighs "not there", as in a shell.
 */
static int
exec_from_path (char **argv, char **environment)
{
  int error = ENOENT;
  size_t length;
  for (const char *dir = search_path (environment); *dir; dir += length + (dir[length] == ':')) {
    char file[PATH_MAX];
    struct stat st;
    length = strcspn (dir, ":");
    int size = snprintf (file, sizeof file, "%.*s/%s", (int) length, length ? dir : ".", argv[0]);
    if (length == 0)
      size = snprintf (file, sizeof file, "./%s", argv[0]);
    if (size >= (int) sizeof file || (stat (file, &st) == 0 && S_ISDIR (st.st_mode)))
      continue;
    execve (file, argv, environment);
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
      return errno;
    if (errno == EACCES)
      error = EACCES;
  }
  return error;
}

int
exec_status (int error)
{
  return error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int
step_exec (struct context *context, const struct step *step)
{
  static char *no_environment[] = { NULL };
  char **environment = context->environment ? context->environment : no_environment;
  autofree char **argv = strings_of (step);
  if (!argv)
    return fail ("", "cannot start the program");
  umask (context->umask);
  if (context->files_raised)
    setrlimit (RLIMIT_NOFILE, &context->files);
  die_with_supervisor (context);
  reset_descriptors ();
  reset_signals ();
  if (context->started >= 0)
    (void) !write (context->started, START_MARK, 1);
  if (!strchr (argv[0], '/')) {
    int error = exec_from_path (argv, environment);
    bool absent = error == ENOENT;
    return fail_with (error, argv[0], absent ? "command not found in the container's PATH" : "cannot start the program");
  }
  execve (argv[0], argv, environment);
  int error = errno;
  if (error == ENOENT && access (argv[0], F_OK) == 0)
    return fail_with (error, argv[0], "cannot start the program, its interpreter or loader is missing");
  return fail_with (error, argv[0], "cannot start the program");
}
