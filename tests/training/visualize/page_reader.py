"""Pages read back as a browser would: elements, attributes, and what would be fetched."""

from html.parser import HTMLParser

_FETCHES = ("src", "href", "xlink:href", "data", "poster", "srcset", "action")


class Page(HTMLParser):
    def __init__(self, content):
        super().__init__()
        self.elements, self.text, self._open = [], [], []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if data.strip() and not {"style", "script"} & set(self._open[-1:]):
            self.text.append(data.strip())

    def all(self, tag, **wanted):
        found = [attributes for name, attributes in self.elements if name == tag]
        return [a for a in found if all(a.get(key) == value for key, value in wanted.items())]

    @property
    def identifiers(self):
        return [a["id"] for _, a in self.elements if "id" in a]

    @property
    def fetched(self):
        """What would be requested from outside the file."""
        values = [a[key] or "" for _, a in self.elements for key in _FETCHES if key in a]
        return [value for value in values if not value.startswith(("data:", "#"))]

    @property
    def pictures(self):
        return [a["src"] for a in self.all("img")]

    @property
    def words(self):
        return " ".join(self.text)
