"""Configuration of Sphinx for the documentation site; tools/docs.py copies it beside the pages."""

from __future__ import annotations

project = "kindlab.volumes"
project_copyright = "kindlab.volumes contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 3
html_theme = "sphinx_rtd_theme"
html_title = project
html_show_sphinx = False
html_copy_source = False
html_use_index = False
highlight_language = "yaml+jinja"
# Labels of other collections are not here.
nitpicky = False
