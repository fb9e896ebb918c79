import type { Random } from "../support/random.ts";

/** How the two replies to a request are compared: as they are; in any order; pairs in any order; numbers about the same. */
export type Comparison = "same" | "unordered" | "unordered pairs" | "near";

export interface RandomRequest {
  readonly words: readonly string[];
  readonly comparison: Comparison;
}

// What stands for what: %k a key, %v a value, %m a member, %n a number, %s a score, %i an index, %o anything odd, %f what is no score. A pattern's
// words in brackets come or not; a bar parts choices.
const PATTERNS: Readonly<Record<Comparison, readonly string[]>> = {
  same: [
    ..."SET %k %v|SET %k %v|SET %k %v|SET %k %n|SET %k %v NX|SET %k %v XX|SET %k %v GET|SET %k %v XX GET".split("|"),
    ..."SET %k %v KEEPTTL|SET %k %v PXAT 99999999999999|SET %k %v EXAT 99999999999|SET %k %o %o %o|GET %k|GET %k".split(
      "|",
    ),
    ..."GETSET %k %v|GETDEL %k|GETEX %k|GETEX %k PXAT 99999999999|GETEX %k PERSIST|GETEX %k %o %o|SETNX %k %v".split(
      "|",
    ),
    ..."MGET %k %k %k|MSET %k %v %k %n|MSET %k %v %k|MSETNX %k %v %k %v|APPEND %k %v|STRLEN %k|GETRANGE %k %i %i".split(
      "|",
    ),
    ..."SUBSTR %k %i %i|SETRANGE %k %n %v|SETRANGE %k 3 %v|INCR %k|DECR %k|INCRBY %k %n|DECRBY %k %n|INCRBY %k %o".split(
      "|",
    ),
    ..."DEL %k %k|UNLINK %k|EXISTS %k %k %k|TOUCH %k|TYPE %k|RENAME %k %k|RENAMENX %k %k|DBSIZE|PERSIST %k".split("|"),
    ..."PEXPIREAT %k 99999999999999|EXPIREAT %k 99999999999 NX|PEXPIREAT %k 99999999998888 XX|EXPIREAT %k 1|EXPIRE %k -1".split(
      "|",
    ),
    ..."PEXPIREAT %k 99999999997777 GT|PEXPIREAT %k 99999999996666 LT|PEXPIREAT %k 9 NX GT|EXPIRE %k 50000 GT LT".split(
      "|",
    ),
    ..."EXPIRE %k abc|EXPIRE %k 9223372036854775808|EXPIRE %k 50000 %o|EXPIRE %k 9223372036854775807|SET %k %v EX 0".split(
      "|",
    ),
    ..."LPUSH %k %v|LPUSH %k %v %v %v|RPUSH %k %v %v|RPUSH %k %v|LPUSHX %k %v|RPUSHX %k %v %v|LPOP %k|RPOP %k".split(
      "|",
    ),
    ..."LPOP %k %i|RPOP %k 2|LPOP %k 0|LLEN %k|LINDEX %k %i|LRANGE %k %i %i|LRANGE %k 0 -1|LSET %k %i %v".split("|"),
    ..."LINSERT %k BEFORE %v %v|LINSERT %k AFTER %v %v|LINSERT %k %o %v %v|LREM %k %i %v|LTRIM %k %i %i".split("|"),
    ..."LMOVE %k %k LEFT RIGHT|LMOVE %k %k RIGHT RIGHT|RPOPLPUSH %k %k|LMOVE %k %k %o LEFT".split("|"),
    ..."SADD %k %m|SADD %k %m %m %m|SADD %k %m %m|SREM %k %m %m|SCARD %k|SISMEMBER %k %m|SMISMEMBER %k %m %m|SMOVE %k %k %m".split(
      "|",
    ),
    ..."SPOP %k %o|SRANDMEMBER %k 0|SPOP %k 0|HSET %k %m %v|HSET %k %m %n %m %v|HSET %k %m|HMSET %k %m %v|HSETNX %k %m %v".split(
      "|",
    ),
    ..."HGET %k %m|HMGET %k %m %m|HDEL %k %m %m|HEXISTS %k %m|HLEN %k|HSTRLEN %k %m|HINCRBY %k %m %n|HINCRBY %k %m %o".split(
      "|",
    ),
    ..."ZADD %k %s %m|ZADD %k %s %m %s %m|ZADD %k NX %s %m|ZADD %k XX CH %s %m|ZADD %k GT %s %m|ZADD %k LT CH %s %m".split(
      "|",
    ),
    ..."ZADD %k INCR %s %m|ZADD %k XX INCR %s %m|ZADD %k NX XX %s %m|ZADD %k GT LT %s %m|ZADD %k INCR %s %m %s %m".split(
      "|",
    ),
    ..."ZADD %k %f %m|ZADD %k %s|ZINCRBY %k %s %m|ZINCRBY %k %f %m|ZREM %k %m %m|ZCARD %k|ZSCORE %k %m|ZMSCORE %k %m %m".split(
      "|",
    ),
    ..."ZRANK %k %m|ZREVRANK %k %m|ZCOUNT %k %s %s|ZCOUNT %k (%s +inf|ZCOUNT %k %f %f|ZRANGE %k %i %i|ZRANGE %k 0 -1 WITHSCORES".split(
      "|",
    ),
    ..."ZRANGE %k %i %i REV|ZRANGE %k %s %s BYSCORE|ZRANGE %k +inf -inf BYSCORE REV LIMIT 1 2|ZRANGE %k %i %i %o".split(
      "|",
    ),
    ..."ZRANGE %k 0 -1 LIMIT 0 1|ZREVRANGE %k %i %i WITHSCORES|ZRANGEBYSCORE %k -inf +inf WITHSCORES LIMIT %i %i".split(
      "|",
    ),
    ..."ZRANGEBYSCORE %k (%s %s|ZREVRANGEBYSCORE %k %s (%s WITHSCORES|ZRANGEBYSCORE %k %f %f|ZPOPMIN %k|ZPOPMAX %k 2".split(
      "|",
    ),
    ..."ZPOPMIN %k %o|ZREMRANGEBYRANK %k %i %i|ZREMRANGEBYSCORE %k %s %s|ZREMRANGEBYSCORE %k (%s +inf|ZPOPMIN %k 0".split(
      "|",
    ),
    ..."PING|PING %v|PING a b|ECHO %v|ECHO|SELECT 0|SELECT 1|SELECT %o|nosuch|nosuch %v %v|GET|GET a b|SCAN abc|HELLO x".split(
      "|",
    ),
    ..."SCAN 0 COUNT abc|SCAN 0 MATCH|SCAN 0 TYPE hash COUNT 0|SSCAN %k abc|HSCAN %k 0 %o|ZSCAN %k 0 MATCH|KEYS|FLUSHALL %o".split(
      "|",
    ),
    ..."CLIENT GETNAME|CLIENT SETNAME|CLIENT nosuch|CONFIG nosuch|COMMAND nosuch|CONFIG GET save|RESET|AUTH a|AUTH a b|AUTH".split(
      "|",
    ),
  ],
  unordered: [
    ..."KEYS *|KEYS key:?|KEYS *[1-3]|KEYS %o|SMEMBERS %k|SINTER %k %k|SUNION %k %k|SDIFF %k %k|SINTER %k|SUNION %k %k %k".split(
      "|",
    ),
    ..."SDIFF %k %k %k|HKEYS %k|HVALS %k|SRANDMEMBER %k 1000|SPOP %k 1000".split("|"),
  ],
  "unordered pairs": ["HGETALL %k"],
  near: [
    "TTL %k",
    "PTTL %k",
    "EXPIRE %k 1000",
    "PEXPIRE %k 900000",
    "SETEX %k 800 %v",
    "SET %k %v EX 700",
    "GETEX %k EX 600",
  ],
};

const LONG_SCORES = ["ZADD %k INCR %r %m", "ZINCRBY %k %r %m", "ZSCORE %k %m", "ZADD %k %r %m"];

const ODD = [
  ..."0|100000|-1|abc|9223372036854775807|-9223372036854775808|9223372036854775808|1.5|inf|-inf|+inf|nan|(1|((1|1e400|1e-400".split(
    "|",
  ),
  ...[
    "",
    " ",
    "*",
    "[",
    "[^a",
    "nx",
    "withscores",
    "limit",
    "count",
    "\x00\xff",
    " 1",
    "1 ",
    "+1",
    "00",
    "-0",
    "0x10",
    "1e3",
  ],
  ...["KEEPTTL", "EX", "LEFT", "persist", "a\r\nb", "x".repeat(200)],
];

// Redis takes what C's strtod() takes, hexadecimal digits too, and nothing at all for a limit.
const NO_SCORES = ["abc", "nan", "((1", "1 ", "1e", "1.5.2", "--1", "+", ".", "-", "1,5"];

const FRACTIONS = ["0", "0.5", "-0.25", "3", "-7", "1024.125", "1e10", "-1e17", "inf", "-inf", "123456789", "1e-3"];

function someValue(random: Random): string {
  const size = random.pick([0, 1, 3, 10, 30, 100, 127, 128, 129, 700, 5000]);
  if (random.integer(0, 3) > 0) return random.pick(["a", "b", "7", "-12", "hello", ""]);
  return String.fromCharCode(random.integer(0, 255)).repeat(size);
}

const MAKERS: Readonly<Record<string, (random: Random) => string>> = {
  "%k": (random) => `key:${random.integer(0, 24)}`,
  "%v": someValue,
  "%m": (random) => `m${random.integer(0, 30)}`,
  "%n": (random) => random.pick(["1", "-1", "100", "12345", "-99", "9223372036854775807", "0"]),
  "%s": (random) => random.pick(FRACTIONS),
  // Shortest digits here, 17 there: the numbers must be the same, not the digits.
  "%r": (random) => String(random.integer(-1_000_000, 1_000_000) / random.pick([10, 1000, 7, 2 ** 20])),
  "%i": (random) => `${random.integer(-12, 12)}`,
  "%o": (random) => random.pick(ODD),
  "%f": (random) => random.pick(NO_SCORES),
};

const COMPARISONS: readonly Comparison[] = [
  ...["same", "same", "same", "same", "same", "same", "same", "same", "unordered", "unordered pairs"],
  ...["near"],
] as readonly Comparison[];

/** A request by chance. `withLongScores`: of those too whose scores are not short in binary. */
export function randomRequest(random: Random, withLongScores: boolean): RandomRequest {
  const isLong = withLongScores && random.integer(0, 1) === 0;
  const comparison = isLong ? "same" : random.pick(COMPARISONS);
  const words = random.pick(isLong ? LONG_SCORES : PATTERNS[comparison]).split(" ");
  return {
    words: words.map((word) => word.replace(/%[kvmnsriof]/, (what) => MAKERS[what]?.(random) ?? what)),
    comparison,
  };
}
