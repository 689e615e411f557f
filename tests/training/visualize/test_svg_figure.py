import re
from xml.etree import ElementTree

import matplotlib as mpl

from training.visualize.svg_figure import INK, svg_figure


def drawn(name="first", description="a line", title="title"):
    with svg_figure(name, description) as figure:
        figure.axes.plot([0, 1], [1, 0], label=title)
        figure.axes.legend()
    return figure.markup


def test_the_figure_is_one_element_of_valid_xml_and_says_what_it_shows():
    element = ElementTree.fromstring(drawn(description='a "line" & <more>'))
    assert element.tag.endswith("svg")
    assert element.attrib["role"] == "img"
    assert element.attrib["aria-label"] == 'a "line" & <more>'


def test_the_page_gives_size_and_colour():
    markup = drawn()
    head = markup[: markup.index(">")]
    assert "width=" not in head
    assert "viewBox=" in head
    assert "currentColor" in markup
    assert INK not in markup


def test_nothing_is_fetched_and_nothing_dates_it():
    markup = drawn()
    without_namespaces = re.sub(r'xmlns(:\w+)?="[^"]*"', "", markup)
    assert "http" not in without_namespaces
    assert "<metadata" not in markup
    assert "<!DOCTYPE" not in markup
    assert markup == drawn()


def test_identifiers_of_two_figures_differ_and_every_reference_is_met():
    identifiers = {}
    for name in ("first", "second"):
        markup = drawn(name)
        identifiers[name] = set(re.findall(r'id="([^"]+)"', markup))
        references = set(re.findall(r'(?:href="|url\()#([^")]+)', markup))
        assert references
        assert references <= identifiers[name]
    assert identifiers["first"].isdisjoint(identifiers["second"])


def test_text_of_strangers_stays_text():
    markup = drawn(title="<script>alert(1)</script>")
    assert "<script" not in markup
    assert "alert(1)" in "".join(ElementTree.fromstring(markup).itertext())


def test_the_settings_of_matplotlib_are_left_as_they_were():
    before = dict(mpl.rcParams)
    drawn()
    assert dict(mpl.rcParams) == before
