"""README.md says the truth: its network is sound, its commands run and its program compiles as they stand there, in a
folder like the repository's."""
import os
import re

from support import CNNC, MODELS, ROOT, STRICT, Case, is_there, main

TEXT = (ROOT / "README.md").read_text()
DATA = os.environ.get("CNNC_DATA")


def blocks(language):
    return [text for name, text in re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.M | re.S) if name == language]


def commands():
    """Lines of the blocks without a language that call cnnc or cc, up to the remark behind two blanks."""
    lines = [re.split(r"  +", line)[0] for block in blocks("") for line in block.splitlines()]
    return [line for line in lines if re.match(r"(cnnc|cc) ", line)]


class Readme(Case):
    def environment(self):
        """The repository's folders, the network of the tour, and cnnc on the path."""
        for name in ("models", "examples"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "cnnc").symlink_to(CNNC)
        (self.folder / "digits.json").write_text(blocks("json")[0])
        return {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    def test_commands(self):
        env = self.environment()
        self.assertGreater(len(commands()), 8)
        for line in commands():
            if "--data" in line and not DATA:
                print(f"skipped: {line}: CNNC_DATA is not set", flush=True)
                continue
            if " train " in line:
                line += " --epochs 1"
            with self.subTest(line):
                self.run_command("sh", "-ec", line.replace("DIR", f"{DATA}/mnist"), env=env)

    def test_program(self):
        """The program of the tour is C as it stands there."""
        self.run_command(CNNC, MODELS / "lenet5.json", "--weights", MODELS / "lenet5.safetensors", "-o", self.folder / "lenet5.c")
        (self.folder / "program.c").write_text(blocks("c")[0])
        self.run_command("gcc", "-std=c11", *STRICT, "-c", self.folder / "program.c", "-o", self.folder / "program.o")

    def test_man_page_and_completion(self):
        """What is installed beside cnnc names every command, and options where they belong."""
        page = self.run_command("sh", ROOT / "scripts" / "man", CNNC)
        for word in ("compile", "train", "targets", r"\-\-weights\-as", r"\-\-resume", "EXIT STATUS"):
            self.assertIn(word, page)
        if is_there("bash"):
            script = f'PATH={CNNC.parent}:$PATH; . {ROOT}/scripts/cnnc.bash; COMP_WORDS=(cnnc "$@"); COMP_CWORD=$#; _cnnc; ' \
                     'echo "${COMPREPLY[@]}"'
            for words, reply in ((("ta",), "targets"), (("train", "--res"), "--resume"), (("a.json", "--weights-a"), "--weights-as")):
                self.assertEqual(self.run_command("bash", "-c", script, "bash", *words).split(), [reply])


main()
