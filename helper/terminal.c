/*
 * CVE-2025-52565, 2026-88264, 2026-88265: an image or a racing container puts a link at /dev/console or /dev/pts/0, and
 * a file of the host's is bound there, or made the container's. Here every one of them is a descriptor: the terminal's
 * two sides come out of one file that is checked to be devpts's, and what is at /dev/console is never followed.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel.h"
#include "root.h"
#include "service.h"

#define PTMX "/dev/pts/ptmx"
#define CONSOLE "/dev/console"

/* Not blocking: what is there may be a FIFO. */
static int
open_multiplexer (const struct context *context, bool hosts)
{
  struct k_open_how how = { .flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
                            .resolve = K_IN_ROOT | K_NO_MAGICLINKS | K_NO_SYMLINKS };
  struct statfs fs;
  struct stat st;
  int fd = hosts ? open ("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) : k_openat2 (context->root, PTMX, how);
  if (fd < 0)
    return -1;
  if (fstat (fd, &st) == 0 && S_ISCHR (st.st_mode) && st.st_rdev == makedev (5, 2)
      && (hosts || (fstatfs (fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC)))
    return fd;
  close (fd);
  errno = ENODEV;
  return -1;
}

static int
open_console (const struct context *context)
{
  const char *name;
  struct stat st;
  autoclose int dir = root_parent (context, CONSOLE, &name);
  if (dir < 0)
    return -1;
  int fd = openat (dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST)
    fd = openat (dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || (fstat (fd, &st) == 0 && S_ISREG (st.st_mode)))
    return fd;
  close (fd);
  errno = ELOOP;
  return -1;
}

static int
bind_console (const struct context *context, int terminal)
{
  autoclose int tree = k_open_tree (terminal, "", K_OPEN_TREE_CLONE | AT_EMPTY_PATH);
  autoclose int at = open_console (context);
  return at < 0 || tree < 0 || k_attach (tree, at) < 0 ? fail (CONSOLE, "cannot bind the terminal") : 0;
}

static int
hand_out (int socket, int descriptor)
{
  char byte = 0;
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof descriptor)];
  } control = { 0 };
  struct iovec part = { &byte, 1 };
  struct msghdr message = {
    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
  };
  control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN (sizeof descriptor),
                                     .cmsg_level = SOL_SOCKET,
                                     .cmsg_type = SCM_RIGHTS };
  memcpy (CMSG_DATA (&control.header), &descriptor, sizeof descriptor);
  return sendmsg (socket, &message, MSG_NOSIGNAL) < 0 ? fail ("", "cannot hand out the terminal") : 0;
}

/* We lead a session without a terminal (begin_child). */
static int
make_ours (int terminal)
{
  for (int fd = 0; fd <= 2; fd++)
    if (dup2 (terminal, fd) < 0)
      return fail ("", "cannot use the terminal");
  return ioctl (STDIN_FILENO, TIOCSCTTY, 0) < 0 ? fail ("", "cannot make the terminal the controlling one") : 0;
}

/*
 * Arguments: its owner; 1 to have it at /dev/console too; 1 for one of the host's, in a root without devpts. The other
 * side goes to the supervisor, which shows it to whoever is attached.
 */
int
step_terminal (struct context *context, const struct step *step)
{
  const struct service *service = context->service;
  int unlocked = 0;
  if (!service || service->console[1] < 0)
    return fail_with (EINVAL, "", "a terminal needs a supervisor (expected start, not run)");
  bool hosts = step_integer (step, 2) != 0;
  autoclose int multiplexer = open_multiplexer (context, hosts);
  if (multiplexer < 0)
    return fail (hosts ? "/dev/ptmx" : PTMX, "cannot make a terminal");
  if (ioctl (multiplexer, TIOCSPTLCK, &unlocked) < 0)
    return fail ("", "cannot unlock the terminal");
  autoclose int terminal = ioctl (multiplexer, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0)
    return fail ("", "cannot open the terminal");
  if (fchown (terminal, (uid_t) step_integer (step, 0), (gid_t) -1) < 0)
    return fail ("", "cannot give the terminal to the user");
  ioctl (terminal, TIOCSWINSZ, &service->window);
  if (step_integer (step, 1) && bind_console (context, terminal) < 0)
    return -1;
  return hand_out (service->console[1], multiplexer) < 0 ? -1 : make_ours (terminal);
}
