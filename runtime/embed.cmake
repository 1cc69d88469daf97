# Turns the files of runtime/*/ into one C file with the function that backends/backend.h declares:
# runtime_file("c/parallel.c") is that file's text. Bytes are printed as numbers: string literals end at 4095 characters.
#   cmake -DFOLDER=runtime -DOUTPUT=runtime_files.c -P embed.cmake
file(GLOB files RELATIVE ${FOLDER} ${FOLDER}/*/*)
list(SORT files)
set(texts "")
set(rows "")
foreach(file ${files})
  string(MAKE_C_IDENTIFIER ${file} name)
  file(READ ${FOLDER}/${file} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND texts "static const unsigned char ${name}[] = {${bytes}0};\n\n")
  string(APPEND rows "    {\"${file}\", ${name}},\n")
endforeach()
file(WRITE ${OUTPUT} "/* Made by runtime/embed.cmake from the files of runtime/. */
#include <stddef.h>
#include <string.h>

const char *runtime_file(const char *name);
const char *runtime_name(int i);

${texts}static const struct {
  const char *name;
  const unsigned char *text;
} files[] = {
${rows}    {NULL, NULL}};

const char *runtime_file(const char *name) {
  for (int i = 0; files[i].name; i++)
    if (strcmp(files[i].name, name) == 0) return (const char *)files[i].text;
  return NULL;
}

const char *runtime_name(int i) {
  return files[i].name;
}
")
