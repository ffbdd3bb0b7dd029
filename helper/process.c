#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"

struct capability_sets {
  uint64_t effective, permitted, inheritable;
};

static int
get_capabilities (struct capability_sets *sets)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2];
  if (syscall (SYS_capget, &header, data) < 0)
    return -1;
  sets->effective = (uint64_t) data[1].effective << 32 | data[0].effective;
  sets->permitted = (uint64_t) data[1].permitted << 32 | data[0].permitted;
  sets->inheritable = (uint64_t) data[1].inheritable << 32 | data[0].inheritable;
  return 0;
}

static int
set_capabilities (struct capability_sets sets)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++) {
    data[i].effective = (uint32_t) (sets.effective >> 32 * i);
    data[i].permitted = (uint32_t) (sets.permitted >> 32 * i);
    data[i].inheritable = (uint32_t) (sets.inheritable >> 32 * i);
  }
  return (int) syscall (SYS_capset, &header, data);
}

bool
have_capability (unsigned capability)
{
  struct capability_sets sets;
  return get_capabilities (&sets) == 0 && sets.effective >> capability & 1;
}

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

/* Capabilities the bounding set no longer has need no privilege to stay dropped. */
static int
limit_bounding_set (uint64_t keep)
{
  for (unsigned capability = 0; capability < 64; capability++) {
    int present = prctl (PR_CAPBSET_READ, capability);
    if (present < 0)
      return 0; /* beyond the kernel's last capability */
    if (present && !(keep >> capability & 1) && prctl (PR_CAPBSET_DROP, capability) < 0)
      return -1;
  }
  return 0;
}

static int
set_groups (const struct step *step, size_t first)
{
  size_t count = step->argc - first;
  autofree gid_t *groups = calloc (count + 1, sizeof *groups);
  if (!groups)
    return -1;
  for (size_t i = 0; i < count; i++)
    groups[i] = (gid_t) step_integer (step, first + i);
  return setgroups (count, groups);
}

static int
raise_ambient (uint64_t wanted)
{
  /* EINVAL: Linux before 4.3, where there is no such set to clear. */
  if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
    return -1;
  for (unsigned capability = 0; capability < 64; capability++)
    if (wanted >> capability & 1 && prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
      return -1;
  return 0;
}

/* So that the program can open /dev/stderr: pipes of ours, never what a user gave us. */
static void
give_streams (const struct context *context, uid_t uid)
{
  struct stat st;
  for (int fd = 0; fd <= 2; fd++)
    if (context->service && fstat (fd, &st) == 0 && S_ISFIFO (st.st_mode))
      (void) !fchown (fd, uid, (gid_t) -1);
}

/* Arguments: uid gid bounding permitted effective inheritable ambient, 1 if groups are given, groups. */
int
step_credentials (struct context *context, const struct step *step)
{
  uid_t uid = (uid_t) step_integer (step, 0);
  gid_t gid = (gid_t) step_integer (step, 1);
  struct capability_sets sets = { .permitted = step_integer (step, 3),
                                  .effective = step_integer (step, 4),
                                  .inheritable = step_integer (step, 5) };
  char id[32];
  if (limit_bounding_set (step_integer (step, 2)) < 0)
    return fail ("", "cannot drop capabilities from the bounding set");
  if (prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    return fail ("", "cannot keep capabilities");
  if (step_integer (step, 7) && set_groups (step, 8) < 0)
    return fail ("", "cannot set supplementary groups");
  give_streams (context, uid);
  snprintf (id, sizeof id, "%u:%u", (unsigned) uid, (unsigned) gid);
  if (setresgid (gid, gid, gid) < 0 || setresuid (uid, uid, uid) < 0)
    return fail (id, "cannot change to user");
  if (set_capabilities (sets) < 0 || raise_ambient (step_integer (step, 6)) < 0)
    return fail (id, "cannot set capabilities");
  die_with_supervisor (context);
  return 0;
}

int
step_no_new_privileges (struct context *context, const struct step *step)
{
  (void) context, (void) step;
  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail ("", "cannot set no_new_privs") : 0;
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
  if (!getcwd (cwd, sizeof cwd) || cwd[0] != '/')
    return fail_with (EXDEV, path, "working directory is outside the container");
  return 0;
}

int
step_environment (struct context *context, const struct step *step)
{
  char **entries = calloc (step->argc + 1, sizeof *entries);
  if (!entries)
    return fail ("", "cannot set the environment");
  for (size_t i = 0; i < step->argc; i++)
    entries[i] = (char *) (uintptr_t) step_string (step, i);
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
  autofree char **argv = calloc (step->argc + 1, sizeof *argv);
  if (!argv)
    return fail ("", "cannot start the program");
  for (size_t i = 0; i < step->argc; i++)
    argv[i] = (char *) (uintptr_t) step_string (step, i);
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
