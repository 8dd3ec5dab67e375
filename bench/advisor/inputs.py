"""Real programs that are installed, and what they work on: made here, the same in every run."""
import pathlib, random, shutil, subprocess


def write(path, pieces):
    if not path.exists():
        path.write_text("".join(pieces))
    return str(path)


def sqlite3(folder):
    draw = random.Random(1)
    rows = (f"insert into item values({i}, 'name {draw.randrange(900)}', {draw.random():.6f});\n"
            for i in range(60000))
    queries = (f"select count(*), sum(price) from item where id between {i} and {i + 20};\n"
               for i in range(40000))
    script = write(folder / "items.sql", [
        "create table item(id integer primary key, name text, price real);\nbegin;\n", *rows,
        "commit;\n", *queries])
    return ["sqlite3", ":memory:", f".read {script}"]


def xmllint(folder):
    draw = random.Random(2)
    items = (f"<item id='{i}'><name>name {draw.randrange(900)}</name>"
             f"<price>{draw.random():.4f}</price></item>\n" for i in range(200000))
    path = write(folder / "items.xml", ["<items>\n", *items, "</items>\n"])
    return ["xmllint", "--xpath", "count(//item[name='name 7' or price>0.5])", path]


def protoc(folder):
    draw = random.Random(3)
    kinds = ["string", "int32", "double", "bytes", "repeated string", "repeated M0"]
    messages = ("message M%d {\n%s}\n" % (i, "".join(
        f"  {draw.choice(kinds)} field_{k} = {k};\n" for k in range(1, 13))) for i in range(400))
    path = write(folder / "messages.proto", ['syntax = "proto3";\npackage p;\n', *messages])
    out = folder / "protoc"
    out.mkdir(exist_ok=True)
    return ["protoc", f"--proto_path={folder}", f"--cpp_out={out}", path]


def tidy(folder):
    lines = ("<p align=up><font color=red>a line <b>that is wrong</b></font> in &many; ways</p>\n"
             f"<table><tr><td width=all>{i}</table>\n" for i in range(4000))
    path = write(folder / "wrong.html", ["<html><body>\n", *lines])
    return ["tidy", "-quiet", "-errors", "--show-errors", "100000", path]


def jq(folder):
    draw = random.Random(5)
    records = ('{"id": %d, "name": "name %d", "tags": ["a", "bc", "def"], "price": %.3f}\n'
               % (i, draw.randrange(900), draw.random()) for i in range(120000))
    path = write(folder / "records.json", records)
    program = '{id, name: (.name + "!"), price: (.price * 2), tags: (.tags | length)}'
    return ["jq", "-c", program, path]


def lua(folder):
    path = write(folder / "words.lua", ["""
local seen, count = {}, 0
for i = 1, 300000 do
  local word = "word " .. (i * 7919 % 50021)
  local node = {word = word, next = seen[word]}
  if i % 3 == 0 then node.more = {i, i + 1} end
  seen[word] = i % 5 == 0 and nil or node
  count = count + #word
end
print(count)
"""])
    return ["lua", path]


def git(folder):
    repository = folder / "history.git"
    if not repository.exists():
        draw = random.Random(7)
        files = [[f"line {draw.randrange(1000)}\n" for _ in range(200)] for _ in range(20)]
        stream = []
        for i in range(4000):
            file = draw.randrange(len(files))
            for _ in range(8):
                files[file][draw.randrange(200)] = f"line {draw.randrange(1000)} of commit {i}\n"
            text = "".join(files[file])
            stream.append(f"commit refs/heads/main\n"
                          f"committer A <a@example.org> {1700000000 + i} +0000\n"
                          f"data 9\ncommit {i % 100:02}\n"
                          f"M 100644 inline file{file}\ndata {len(text)}\n{text}\n")
        subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
        subprocess.run(["git", "-C", repository, "fast-import", "--quiet"], check=True,
                       input="".join(stream).encode())
    return ["git", "-C", str(repository), "log", "--patch", "--stat", "main"]


def cc1plus(folder):
    source = write(folder / "unit.cpp", [
        "#include <map>\n#include <regex>\n#include <string>\n"
        "int main() { return std::regex_match(std::string(), std::regex()); }\n"])
    unit = folder / "unit.ii"
    subprocess.run(["g++", "-std=c++20", "-E", source, "-o", unit], check=True)
    cc1plus = subprocess.run(["g++", "-print-prog-name=cc1plus"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.strip()
    return [cc1plus, "-quiet", "-std=c++20", "-fpreprocessed", str(unit), "-o", "/dev/null"]


def installed():
    """What makes the command of each program, by its name."""
    programs = {program.__name__: program
                for program in (sqlite3, xmllint, protoc, tidy, jq, lua, git, cc1plus)}
    return {name: program for name, program in programs.items()
            if shutil.which("g++" if name == "cc1plus" else name)}
