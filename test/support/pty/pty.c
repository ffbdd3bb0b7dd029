/*
 * pty ROWS COLUMNS COMMAND [ARG...]: runs a command on a terminal of its own. Standard input is typed there, what the
 * terminal shows goes to standard output. Descriptor 3 takes lines, 4 gives answers:
 *
 *   size ROWS COLUMNS     changes the size
 *   mode                  "mode raw" or "mode cooked"
 *
 * and of itself "pid N" at the start, "exit N" (128+n for signal n) and the mode at the end, and "stopped".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master;

static void answer_mode(void) {
  struct termios settings;
  if (tcgetattr(master, &settings) < 0) return;
  dprintf(4, "mode %s\n", settings.c_lflag & ICANON ? "cooked" : settings.c_lflag & ECHO ? "odd" : "raw");
}

static void obey(char *lines) {
  for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
    struct winsize size = {0};
    if (sscanf(line, "size %hu %hu", &size.ws_row, &size.ws_col) == 2) ioctl(master, TIOCSWINSZ, &size);
    if (strcmp(line, "mode") == 0) answer_mode();
  }
}

/* False at its end. */
static int copy(int from, int to) {
  char bytes[65536];
  ssize_t size = read(from, bytes, sizeof bytes);
  for (ssize_t at = 0; at < size;) {
    ssize_t wrote = write(to, bytes + at, (size_t)(size - at));
    if (wrote < 0) return 0;
    at += wrote;
  }
  return size > 0 || (size < 0 && errno == EINTR);
}

int main(int argc, char **argv) {
  struct winsize size = {0};
  int slave, status = -1;
  if (argc < 4) return 2;
  size.ws_row = (unsigned short)atoi(argv[1]);
  size.ws_col = (unsigned short)atoi(argv[2]);
  if (openpty(&master, &slave, NULL, NULL, &size) < 0) return 3;
  fcntl(master, F_SETFD, FD_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    close(3), close(4);
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    for (int fd = 0; fd <= 2; fd++) dup2(slave, fd);
    close(slave);
    execvp(argv[3], argv + 3);
    _exit(127);
  }
  dprintf(4, "pid %d\n", (int)pid);
  struct pollfd fds[] = {{.fd = 0, .events = POLLIN}, {.fd = 3, .events = POLLIN}, {.fd = master, .events = POLLIN}};
  for (;;) {
    int one, ready = poll(fds, 3, 20);
    if (ready > 0 && fds[0].revents && !copy(0, master)) fds[0].fd = -1;
    if (ready > 0 && fds[1].revents) {
      char lines[256];
      ssize_t got = read(3, lines, sizeof lines - 1);
      if (got <= 0) fds[1].fd = -1;
      lines[got > 0 ? got : 0] = 0;
      obey(lines);
    }
    if (ready > 0 && fds[2].revents && !copy(master, 1)) fds[2].fd = -1;
    if (status >= 0 && ready == 0) break;
    if (status < 0 && waitpid(pid, &one, WNOHANG | WUNTRACED) == pid) {
      if (WIFSTOPPED(one))
        dprintf(4, "stopped\n");
      else
        status = WIFSIGNALED(one) ? 128 + WTERMSIG(one) : WEXITSTATUS(one);
    }
  }
  answer_mode();
  dprintf(4, "exit %d\n", status);
  return 0;
}
