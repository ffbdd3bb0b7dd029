#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel.h"

int
step_make_dir (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  struct stat st;
  (void) context;
  if (mkdir (path, (mode_t) step_integer (step, 1) & 07777) == 0)
    return 0;
  int error = errno;
  bool present = error == EEXIST && lstat (path, &st) == 0 && S_ISDIR (st.st_mode);
  return present ? 0 : fail_with (error, path, "cannot make directory");
}

int
step_write (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  (void) context;
  return write_file (path, step->argv[1].bytes, step->argv[1].length) < 0 ? fail (path, "cannot write") : 0;
}

int
step_write_either (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0), *otherwise = step_string (step, 2);
  (void) context;
  if (write_file (path, step->argv[1].bytes, step->argv[1].length) == 0)
    return 0;
  if (errno != ENOENT)
    return fail (path, "cannot write");
  if (write_file (otherwise, step->argv[3].bytes, step->argv[3].length) == 0)
    return 0;
  return fail (otherwise, "cannot write");
}

/* How many are listed there. Some may end before they are moved; 0 is one that has no number in our pid namespace. */
static int
move_listed (FILE *from, const char *to)
{
  int pid, count = 0;
  for (; fscanf (from, "%d", &pid) == 1; count++) {
    char number[16];
    int length = snprintf (number, sizeof number, "%d", pid);
    if (pid > 0)
      (void) !write_file (to, number, (size_t) length);
  }
  return count;
}

/* Again until none is left, since they start others meanwhile. Of those that stay the next step tells. */
int
step_move_processes (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  int left = 1;
  (void) context;
  for (int tries = 0; left > 0 && tries < 20; tries++) {
    FILE *from = fopen (path, "re");
    if (!from)
      return fail (path, "cannot read the processes of the cgroup");
    left = move_listed (from, step_string (step, 1));
    fclose (from);
  }
  return 0;
}

int
lock_file (const char *path, int mode)
{
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return -1;
  int result;
  do
    result = flock (fd, LOCK_EX | mode);
  while (result < 0 && errno == EINTR);
  if (result == 0)
    return fd;
  close_descriptor (&fd);
  return -1;
}

/* Milliseconds: a supervisor says that its container has ended just before it lets go. */
#define LOCK_PATIENCE 500

/*
 * Held by the open descriptor until the helper ends, over restarts; a started program does not inherit it. Somebody
 * else's lock is an answer: EAGAIN.
 */
int
step_lock (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  for (int waited = 0; context->lock < 0 && waited < LOCK_PATIENCE; waited += 10) {
    context->lock = lock_file (path, LOCK_NB);
    if (context->lock < 0 && errno != EAGAIN)
      break;
    if (context->lock < 0)
      usleep (10000);
  }
  return context->lock < 0 ? fail (path, "cannot lock") : 0;
}

int
step_unshare (struct context *context, const struct step *step)
{
  (void) context;
  return unshare ((int) step_integer (step, 0)) < 0 ? fail ("", "cannot create namespaces") : 0;
}

int
step_hostname (struct context *context, const struct step *step)
{
  const char *name = step_string (step, 0);
  (void) context;
  return sethostname (name, strlen (name)) < 0 ? fail (name, "cannot set the host name") : 0;
}

int
step_domainname (struct context *context, const struct step *step)
{
  const char *name = step_string (step, 0);
  (void) context;
  return setdomainname (name, strlen (name)) < 0 ? fail (name, "cannot set the domain name") : 0;
}

/* CVE-2025-52881: the write must reach the file of that name in a real procfs and nothing mounted over it. */
int
step_sysctl (struct context *context, const struct step *step)
{
  const char *key = step_string (step, 0);
  const struct argument *value = &step->argv[1];
  struct k_open_how how = { .flags = O_WRONLY | O_CLOEXEC,
                            .resolve = K_BENEATH | K_NO_SYMLINKS | K_NO_MAGICLINKS | K_NO_XDEV };
  struct statfs fs;
  (void) context;
  autoclose int dir = open ("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (dir < 0 || fstatfs (dir, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
    return fail_with (dir < 0 ? errno : ENODEV, "/proc/sys", "cannot open the kernel settings");
  autoclose int fd = k_openat2 (dir, key, how);
  if (fd < 0 || write_all (fd, value->bytes, value->length) < 0)
    return fail (key, "cannot set kernel setting");
  return 0;
}

/* Before `clone` where a user namespace follows: the child's own file belongs to an id it cannot act as. */
int
step_oom_score (struct context *context, const struct step *step)
{
  const struct argument *value = &step->argv[0];
  (void) context;
  if (write_file ("/proc/self/oom_score_adj", value->bytes, value->length) < 0)
    return fail (value->bytes, "cannot set the OOM score");
  return 0;
}

int
step_session_keyring (struct context *context, const struct step *step)
{
  const char *name = step_string (step, 0);
  (void) context;
  if (syscall (SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0) < 0)
    return fail (name, "cannot join a new session keyring");
  return 0;
}

int
step_stdin_null (struct context *context, const struct step *step)
{
  (void) context, (void) step;
  autoclose int null = open_null (O_RDONLY);
  return null < 0 || dup2 (null, STDIN_FILENO) < 0 ? fail ("/dev/null", "cannot open as standard input") : 0;
}

int
step_sync (struct context *context, const struct step *step)
{
  (void) step;
  /* The root may be open for naming only, which syncfs refuses. */
  autoclose int root = openat (context->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return root < 0 || syncfs (root) < 0 ? fail (".", "cannot write the files to the disk") : 0;
}
