/*
 * Packets of the attach socket (SOCK_SEQPACKET, so that none is ever cut): a byte that says what it is, then data.
 * Both ends are this program, in the same container's directory.
 */
#ifndef PULLRUN_PROTOCOL_H
#define PULLRUN_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

/* Besides the first byte. */
#define PACKET_BYTES ((size_t) 65536)

enum packet {
  /* From the supervisor. First of all: 1 if the container has a terminal. */
  PACKET_WELCOME = 'H',
  PACKET_STDOUT = 'O',
  PACKET_STDERR = 'E',
  /* Text for the user, who is not to take it for the container's. */
  PACKET_NOTE = 'N',
  /* The input has been taken: the next may be sent. A container that does not read then stalls nothing else. */
  PACKET_TAKEN = 'A',
  /* Exit status; the last of all. */
  PACKET_EXIT = 'X',

  /* From a client. First of all: 1 if it will send input. */
  PACKET_HELLO = 'C',
  PACKET_INPUT = 'I',
  PACKET_INPUT_END = 'D',
  /* struct winsize */
  PACKET_WINDOW = 'W',
  /* Number of a signal for the container's first process. */
  PACKET_SIGNAL = 'K',
};

/* False with errno. `flags` besides MSG_NOSIGNAL. */
bool send_packet (int to, enum packet type, const void *bytes, size_t size, int flags);

#endif
