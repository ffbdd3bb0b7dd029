const adjectives =
  "able agile amber ample apt blue bold brave brief bright brisk calm civil clean clear clever cool crisp curious " +
  "daring deep eager early easy even fair fast fine firm fleet fluent fond frank free fresh gentle glad golden grand " +
  "great green happy hardy honest humble ideal jolly keen kind large late level light lively loyal lucid lucky mellow " +
  "merry mild modest neat nimble noble open patient plain polite prime proud pure quick quiet rapid rare ready red " +
  "rich round safe sane sharp silent silver simple sleek slow smart smooth snug sober solid sound spare steady still " +
  "strong sunny sure sweet swift tall tidy trim true upright vast vivid warm wide wild wise witty young zesty";

const nouns =
  "alder anchor apple arch ash aspen badger barge basin beach beaver beech birch bison boat bough bridge brook buoy " +
  "canal canoe cape cedar cliff clover cloud coast comet coral cove crane creek crow dale dawn deer delta dolphin dove " +
  "dune eagle elk elm falcon fern ferry field finch fjord flint forest fox garden geyser glade glen goose grove gull " +
  "harbour hare hawk hazel heath heron hill holly ibex inlet island ivy jay juniper kayak lagoon lake larch lark leaf " +
  "linden lynx maple marsh meadow mill mole moor moss moth oak oasis orchid osprey otter owl oyster pebble pine plover " +
  "pond poplar quail quay raft rain raven reef ridge river robin rowan sail salmon seal shore sloop snow sparrow spring";

/** Two words for an id, always the same ones: its first eight hex digits choose. */
export function wordsFor(id: string): string {
  const number = Number.parseInt(id.slice(0, 8), 16);
  const first = adjectives.split(" ");
  const second = nouns.split(" ");
  return `${pick(first, number)}_${pick(second, Math.floor(number / first.length))}`;
}

function pick(words: readonly string[], number: number): string {
  return words[number % words.length] ?? "";
}
