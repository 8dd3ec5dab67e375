-- What a Lua program does with memory: texts, tables, closures, coroutines, parsers, sorting, and
-- garbage. Each part checks its own results. `scale` says how much work there is.
local scale = scale or 1

local parts = {}
local function part(name, body)
  parts[#parts + 1] = { name = name, body = body }
end

local function equal(got, expected, what)
  if got ~= expected then
    error(string.format("%s: got %s, expected %s", what or "value", tostring(got), tostring(expected)), 2)
  end
end

-- The same numbers in every run, whatever the C library's are.
local function generator(seed)
  local state = seed
  return function(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % n + 1
  end
end

---------------------------------------------------------------------------------------------- texts

part("texts", function()
  local pieces = {}
  for i = 1, 1000 * scale do
    pieces[#pieces + 1] = ("%05d"):format(i)
  end
  local all = table.concat(pieces, ",")
  equal(#all, 6 * 1000 * scale - 1, "length")

  local n, sum = 0, 0
  for number in all:gmatch("%d+") do
    n, sum = n + 1, sum + tonumber(number)
  end
  equal(n, 1000 * scale, "numbers")
  equal(sum, 1000 * scale * (1000 * scale + 1) // 2, "sum")

  local growing = ""
  for i = 1, 300 do
    growing = growing .. string.char(97 + i % 26)
  end
  equal(#growing, 300, "growing")
  equal(growing:sub(1, 5), "bcdef", "sub")
  equal(growing:reverse():sub(-5), "fedcb", "reverse")
  equal(("ab"):rep(50000 * scale):len(), 100000 * scale, "rep")
end)

part("gsub", function()
  local text = ("the quick brown fox jumps over the lazy dog\n"):rep(50 * scale)
  local upper, n = text:gsub("%f[%a]%a", string.upper)
  equal(n, 9 * 50 * scale, "words")
  equal(upper:sub(1, 19), "The Quick Brown Fox", "upper")
  equal((upper:gsub("%u", string.lower)), text, "lower again")

  local counts = {}
  text:gsub("%a+", function(word)
    counts[word] = (counts[word] or 0) + 1
  end)
  equal(counts.the, 2 * 50 * scale, "the")
  equal(counts.fox, 50 * scale, "fox")

  local template = "$name is $age years old; $$5"
  local filled = template:gsub("%$([%w$]+)", { name = "Ada", age = 36 })
  equal(filled, "Ada is 36 years old; $$5", "template")
  equal(("  trim me \t"):match("^%s*(.-)%s*$"), "trim me", "trim")
  equal(("%q"):format('a "quoted"\nline'), '"a \\"quoted\\"\\\nline"', "quoted")
end)

part("bytes", function()
  local packed = string.pack("<i4 s2 d z", -7, "counted", 0.5, "terminated")
  local a, b, c, d = string.unpack("<i4 s2 d z", packed)
  equal(a, -7)
  equal(b, "counted")
  equal(c, 0.5)
  equal(d, "terminated")
  local points = {}
  for _, code in utf8.codes("aé漢😀") do
    points[#points + 1] = code
  end
  equal(table.concat(points, " "), "97 233 28450 128512", "code points")
  equal(utf8.len(("漢字"):rep(100)), 200, "utf8.len")
end)

--------------------------------------------------------------------------------------------- tables

part("tables", function()
  local array = {}
  for i = 1, 5000 * scale do
    array[i] = i * i
  end
  equal(#array, 5000 * scale)
  for i = #array, 1, -2 do
    table.remove(array)
    array[#array] = nil
  end
  equal(#array, 0, "emptied")

  local map = {}
  for i = 1, 2000 * scale do
    map["key" .. i] = { id = i, tags = { "a" .. i % 7, "b" .. i % 11 } }
  end
  for i = 1, 2000 * scale, 2 do
    map["key" .. i] = nil
  end
  local left, ids = 0, 0
  for key, value in pairs(map) do
    equal(key, "key" .. value.id)
    left, ids = left + 1, ids + value.id
  end
  equal(left, 1000 * scale, "left")
  equal(ids, 1000 * scale * (1000 * scale + 1), "ids")

  local moved = table.move({ 1, 2, 3 }, 1, 3, 3, { 9, 9 })
  equal(table.concat(moved, " "), "9 9 1 2 3", "move")
  equal(select("#", table.unpack({}, 1, 200)), 200, "unpack")
end)

part("metatables", function()
  local Vector = {}
  Vector.__index = Vector
  local function vector(x, y)
    return setmetatable({ x = x, y = y }, Vector)
  end
  Vector.__add = function(a, b) return vector(a.x + b.x, a.y + b.y) end
  Vector.__mul = function(a, k) return vector(a.x * k, a.y * k) end
  Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end
  Vector.__lt = function(a, b) return a:norm() < b:norm() end
  Vector.__tostring = function(v) return "(" .. v.x .. ", " .. v.y .. ")" end
  Vector.__concat = function(a, b) return tostring(a) .. tostring(b) end
  function Vector:norm() return self.x * self.x + self.y * self.y end

  local sum = vector(0, 0)
  for i = 1, 1000 * scale do
    sum = sum + vector(i, -i) * 2
  end
  equal(sum, vector(1000 * scale * (1000 * scale + 1), -1000 * scale * (1000 * scale + 1)), "sum")
  equal(tostring(vector(1, 2)), "(1, 2)")
  equal(vector(1, 2) .. vector(3, 4), "(1, 2)(3, 4)")
  assert(vector(1, 1) < vector(2, 2))

  local defaults = setmetatable({}, { __index = function(t, k)
    t[k] = k .. k
    return t[k]
  end })
  equal(defaults.ab, "abab")
  equal(rawget(defaults, "ab"), "abab")
end)

----------------------------------------------------------------------------------- sorting, searching

part("sorting", function()
  local random = generator(1)
  local numbers, names = {}, {}
  for i = 1, 2000 * scale do
    numbers[i] = random(1000000)
    names[i] = { name = "n" .. random(500), order = i }
  end
  table.sort(numbers)
  for i = 2, #numbers do
    assert(numbers[i - 1] <= numbers[i], "numbers are out of order")
  end
  table.sort(names, function(a, b)
    if a.name ~= b.name then
      return a.name < b.name
    end
    return a.order < b.order
  end)
  for i = 2, #names do
    local a, b = names[i - 1], names[i]
    assert(a.name < b.name or (a.name == b.name and a.order < b.order), "names are out of order")
  end

  local function merge_sort(list)
    if #list < 2 then
      return list
    end
    local middle = #list // 2
    local left = merge_sort({ table.unpack(list, 1, middle) })
    local right = merge_sort({ table.unpack(list, middle + 1) })
    local result, i, j = {}, 1, 1
    while i <= #left or j <= #right do
      if j > #right or (i <= #left and left[i] <= right[j]) then
        result[#result + 1], i = left[i], i + 1
      else
        result[#result + 1], j = right[j], j + 1
      end
    end
    return result
  end
  local shuffled = {}
  for i = 1, 200 do
    shuffled[i] = random(1000)
  end
  local sorted = merge_sort(shuffled)
  table.sort(shuffled)
  equal(table.concat(sorted, ","), table.concat(shuffled, ","), "merge sort")
end)

part("sieve", function()
  local limit = 20000
  local composite, primes = {}, {}
  for i = 2, limit do
    if not composite[i] then
      primes[#primes + 1] = i
      for j = i * i, limit, i do
        composite[j] = true
      end
    end
  end
  equal(#primes, 2262, "primes")
  equal(primes[#primes], 19997, "the last")
end)

------------------------------------------------------------------------------- closures, coroutines

part("closures", function()
  local counters = {}
  for i = 1, 500 * scale do
    local n = 0
    counters[i] = function(step)
      n = n + step
      return n
    end
  end
  local sum = 0
  for i, counter in ipairs(counters) do
    counter(i)
    sum = sum + counter(i)
  end
  equal(sum, 500 * scale * (500 * scale + 1), "sum")

  local function compose(f, g, ...)
    if not g then
      return f
    end
    local rest = compose(g, ...)
    return function(...) return f(rest(...)) end
  end
  local increments = {}
  for i = 1, 100 do
    increments[i] = function(x) return x + i end
  end
  equal(compose(table.unpack(increments))(0), 5050, "composed")

  local memo = setmetatable({}, { __mode = "v" })
  local function fibonacci(n)
    if n < 2 then
      return n
    end
    local known = memo[n]
    if not known then
      known = { fibonacci(n - 1) + fibonacci(n - 2) }
      memo[n] = known
    end
    return known[1]
  end
  equal(fibonacci(20), 6765, "fibonacci")
end)

part("coroutines", function()
  local function permutations(list, n)
    n = n or #list
    if n <= 1 then
      coroutine.yield(table.concat(list))
    else
      for i = 1, n do
        list[n], list[i] = list[i], list[n]
        permutations(list, n - 1)
        list[n], list[i] = list[i], list[n]
      end
    end
  end
  local seen, n = {}, 0
  for p in coroutine.wrap(function() permutations({ "a", "b", "c", "d", "e" }) end) do
    assert(not seen[p], "seen twice")
    seen[p], n = true, n + 1
  end
  equal(n, 120, "permutations")

  local threads, done = {}, 0
  for i = 1, 100 * scale do
    threads[i] = coroutine.create(function(a)
      local sum = a
      for _ = 1, 5 do
        sum = sum + coroutine.yield(sum)
      end
      done = done + 1
      return sum
    end)
  end
  local total = 0
  for round = 1, 6 do
    for i, thread in ipairs(threads) do
      local ok, value = coroutine.resume(thread, i)
      assert(ok, value)
      if round == 6 then
        total = total + value
        equal(coroutine.status(thread), "dead")
      end
    end
  end
  equal(done, 100 * scale, "done")
  equal(total, 6 * (100 * scale * (100 * scale + 1) // 2), "total")

  local function depth(n)
    if n == 0 then
      return 0
    end
    return 1 + depth(n - 1)
  end
  equal(coroutine.wrap(depth)(5000), 5000, "a deep stack")
end)

-------------------------------------------------------------------------------------------- parsers

part("expressions", function()
  local function parse(text)
    local position = 1
    local expression
    local function skip()
      position = text:match("^%s*()", position)
    end
    local function accept(pattern)
      skip()
      local token = text:match("^" .. pattern, position)
      if token then
        position = position + #token
      end
      return token
    end
    local function primary()
      local number = accept("%d+%.?%d*")
      if number then
        return { "number", tonumber(number) }
      end
      local name = accept("%a+")
      if name then
        return { "name", name }
      end
      if accept("%(") then
        local inner = expression()
        assert(accept("%)"), "a parenthesis is missing")
        return inner
      end
      if accept("%-") then
        return { "-", { "number", 0 }, primary() }
      end
      error({ message = "unexpected text", position = position })
    end
    local function power()
      local base = primary()
      if accept("%^") then
        return { "^", base, power() }
      end
      return base
    end
    local function left(operators, operand)
      return function()
        local result = operand()
        local operator = accept(operators)
        while operator do
          result = { operator, result, operand() }
          operator = accept(operators)
        end
        return result
      end
    end
    local product = left("[*/]", power)
    expression = left("[+-]", product)
    local tree = expression()
    skip()
    assert(position > #text, "text is left")
    return tree
  end

  local operations = {
    ["+"] = function(a, b) return a + b end,
    ["-"] = function(a, b) return a - b end,
    ["*"] = function(a, b) return a * b end,
    ["/"] = function(a, b) return a / b end,
    ["^"] = function(a, b) return a ^ b end,
  }
  local function evaluate(tree, names)
    if tree[1] == "number" then
      return tree[2]
    elseif tree[1] == "name" then
      return names[tree[2]] or error("no such name: " .. tree[2])
    end
    return operations[tree[1]](evaluate(tree[2], names), evaluate(tree[3], names))
  end

  local names = { x = 3, y = 4 }
  equal(evaluate(parse("1 + 2 * 3"), names), 7)
  equal(evaluate(parse("(1 + 2) * 3 - -4"), names), 13)
  equal(evaluate(parse("2 ^ 3 ^ 2"), names), 512)
  equal(evaluate(parse("(x*x + y*y) ^ 0.5"), names), 5)
  local long = {}
  for i = 1, 300 * scale do
    long[i] = ("(%d + x) * 2"):format(i)
  end
  equal(evaluate(parse(table.concat(long, " + ")), names),
    2 * (300 * scale * (300 * scale + 1) // 2 + 3 * 300 * scale), "a long one")
  local nested = ("("):rep(60) .. "x" .. (")"):rep(60)
  equal(evaluate(parse(nested), names), 3, "a deep one")
  local ok, problem = pcall(parse, "1 + * 2")
  equal(ok, false)
  equal(problem.position, 5, "where it fails")
end)

part("json", function()
  local escapes = { ["\n"] = "\\n", ["\""] = "\\\"", ["\\"] = "\\\\" }
  local function encode(value)
    if type(value) == "string" then
      return '"' .. value:gsub('[\n"\\]', escapes) .. '"'
    elseif type(value) ~= "table" then
      return tostring(value)
    end
    local items = {}
    if #value > 0 then
      for i, item in ipairs(value) do
        items[i] = encode(item)
      end
      return "[" .. table.concat(items, ",") .. "]"
    end
    local keys = {}
    for key in pairs(value) do
      keys[#keys + 1] = key
    end
    table.sort(keys)
    for i, key in ipairs(keys) do
      items[i] = encode(key) .. ":" .. encode(value[key])
    end
    return "{" .. table.concat(items, ",") .. "}"
  end

  local unescape = { n = "\n", ["\""] = "\"", ["\\"] = "\\" }
  local function decode(text)
    local position = 1
    local function space()
      position = text:find("[^%s]", position) or #text + 1
    end
    local value
    local function sequence(close, item)
      position = position + 1
      space()
      if text:sub(position, position) == close then
        position = position + 1
        return
      end
      repeat
        item()
        space()
        local c = text:sub(position, position)
        position = position + 1
      until c ~= ","
      equal(text:sub(position - 1, position - 1), close, "the end of a sequence")
    end
    local function string_value()
      local from = position + 1
      local at = from
      while true do
        local c = text:sub(at, at)
        if c == "\\" then
          at = at + 2
        elseif c == '"' then
          break
        else
          at = at + 1
        end
      end
      position = at + 1
      return (text:sub(from, at - 1):gsub("\\(.)", unescape))
    end
    function value()
      space()
      local c = text:sub(position, position)
      if c == "{" then
        local result = {}
        sequence("}", function()
          space()
          local key = string_value()
          space()
          equal(text:sub(position, position), ":", "a colon")
          position = position + 1
          result[key] = value()
        end)
        return result
      elseif c == "[" then
        local result = {}
        sequence("]", function() result[#result + 1] = value() end)
        return result
      elseif c == '"' then
        return string_value()
      end
      local word = text:match("^[%w.+-]+", position)
      position = position + #word
      if word == "true" then
        return true
      elseif word == "false" then
        return false
      end
      return tonumber(word) or error("no value: " .. word)
    end
    return value()
  end

  local random = generator(7)
  local function make(depth)
    local kind = random(depth > 0 and 6 or 4)
    if kind == 1 then
      return random(100000)
    elseif kind == 2 then
      return ("text \"%d\"\n\\"):format(random(1000))
    elseif kind == 3 then
      return random(2) == 1
    elseif kind == 4 then
      return random(1000) / 8
    end
    local result = {}
    for i = 1, random(8) do
      result[kind == 5 and i or "k" .. i] = make(depth - 1)
    end
    return result
  end
  for _ = 1, 20 * scale do
    local document = { first = make(5), second = make(5), third = make(5) }
    local text = encode(document)
    equal(encode(decode(text)), text, "a document read and written again")
  end
end)

part("brainfuck", function()
  local function run(program)
    local source, depth = { "local t, p, out = {}, 1, {}; for i = 1, 100 do t[i] = 0 end\n" }, 0
    local translations = {
      [">"] = "p = p + 1", ["<"] = "p = p - 1",
      ["+"] = "t[p] = (t[p] + 1) % 256", ["-"] = "t[p] = (t[p] - 1) % 256",
      ["."] = "out[#out + 1] = string.char(t[p])",
      ["["] = "while t[p] ~= 0 do", ["]"] = "end",
    }
    for command in program:gmatch("[%[%]<>+.-]") do
      depth = depth + (command == "[" and 1 or command == "]" and -1 or 0)
      source[#source + 1] = translations[command] .. "\n"
    end
    equal(depth, 0, "brackets")
    source[#source + 1] = "return table.concat(out)"
    return assert(load(table.concat(source)))()
  end
  local hello = "++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++" ..
    ".------.--------.>>+.>++."
  equal(run(hello), "Hello World!\n")
end)

------------------------------------------------------------------------------------------- garbage

part("garbage", function()
  collectgarbage()
  local before = collectgarbage("count")
  for round = 1, 20 * scale do
    local list
    for i = 1, 500 do
      list = { next = list, text = "item " .. i .. " of " .. round, { i, round } }
    end
    local n = 0
    while list do
      n, list = n + 1, list.next
    end
    equal(n, 500)
    if round % 5 == 0 then
      collectgarbage("step", 100)
    end
  end
  collectgarbage()
  collectgarbage()
  assert(collectgarbage("count") < before + 100, "garbage is left")

  local finalized = 0
  for _ = 1, 200 do
    setmetatable({}, { __gc = function() finalized = finalized + 1 end })
  end
  collectgarbage()
  collectgarbage()
  equal(finalized, 200, "finalized")

  local weak = setmetatable({}, { __mode = "k" })
  local kept = {}
  for i = 1, 100 do
    local key = {}
    weak[key] = ("value"):rep(10)
    if i % 10 == 0 then
      kept[#kept + 1] = key
    end
  end
  collectgarbage()
  local left = 0
  for _ in pairs(weak) do
    left = left + 1
  end
  equal(left, 10, "weak keys")

  for _, mode in ipairs({ "generational", "incremental" }) do
    collectgarbage(mode)
    local queue, first = {}, 1
    for i = 1, 3000 * scale do
      queue[#queue + 1] = { i, tostring(i) }
      if i % 3 == 0 then
        queue[first], first = false, first + 1
      end
    end
    equal(queue[first][1], first, mode)
  end
end)

part("closing", function()
  local log = {}
  local function resource(name)
    return setmetatable({}, { __close = function() log[#log + 1] = name end })
  end
  local ok, problem = pcall(function()
    local a <close> = resource("a")
    local b <close> = resource("b")
    error("in between", 0)
  end)
  equal(ok, false)
  equal(problem, "in between")
  equal(table.concat(log), "ba", "closed")
  for i = 1, 200 * scale do
    local text = pcall(error, { i })
    equal(text, false)
  end
end)

local names = {}
for _, p in ipairs(parts) do
  p.body()
  names[#names + 1] = p.name
end
return #names, table.concat(names, " ")
