# Makes OUTPUT, the page but for its data, of what stands here and of the PACKAGES.
function(take out file)
  file(READ ${file} text)
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

take(page ${CMAKE_CURRENT_LIST_DIR}/page.html)

take(uplot_style ${PACKAGES}/uplot/dist/uPlot.min.css)
take(style ${CMAKE_CURRENT_LIST_DIR}/style.css)
take(parts_style ${CMAKE_CURRENT_LIST_DIR}/parts.css)
string(REPLACE "<!--STYLE-->" "${uplot_style}\n${style}\n${parts_style}" page "${page}")

set(licences)
foreach(package uplot d3-hierarchy)
  take(licence ${PACKAGES}/${package}/LICENSE)
  string(REPLACE "&" "&amp;" licence "${licence}")
  string(REPLACE "<" "&lt;" licence "${licence}")
  string(APPEND licences "<h3>${package}</h3>\n<pre>${licence}</pre>\n")
endforeach()
string(REPLACE "<!--LICENCES-->" "${licences}" page "${page}")

# One module of all: they see each other's names, and nobody else does.
take(uplot ${PACKAGES}/uplot/dist/uPlot.iife.min.js)
take(hierarchy ${PACKAGES}/d3-hierarchy/dist/d3-hierarchy.min.js)
set(module)
foreach(part text colours scrubber overview trial epoch advice memory lifetimes flame sites main)
  take(source ${CMAKE_CURRENT_LIST_DIR}/${part}.js)
  string(APPEND module "${source}\n")
endforeach()
string(REPLACE "<!--SCRIPTS-->"
  "<script>${uplot}</script>\n<script>${hierarchy}</script>\n<script type=\"module\">\n${module}</script>"
  page "${page}")

file(WRITE ${OUTPUT} "${page}")
