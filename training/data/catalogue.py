"""Name → everything known of a data set. A new data set is one reader and one line here."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from training.data.ccvid import CCVID
from training.data.data_set import DataSet
from training.data.data_set_layout import DataSetLayout
from training.data.dukemtmc_videoreid import DUKEMTMC_VIDEOREID
from training.data.ilids_vid import ILIDS_VID, ILIDS_VID_SWAPPED
from training.data.lsvid import LSVID
from training.data.manifest_csv import MANIFEST
from training.data.market1501 import MARKET1501
from training.data.mars import MARS
from training.data.mevid import MEVID
from training.data.prid2011 import PRID2011, PRID2011_ALL

CATALOGUE: Mapping[str, DataSetLayout] = MappingProxyType(
    {
        "ccvid": CCVID,
        "dukemtmcvidreid": DUKEMTMC_VIDEOREID,
        "ilidsvid": ILIDS_VID,
        "ilidsvid-swapped": ILIDS_VID_SWAPPED,
        "lsvid": LSVID,
        "manifest": MANIFEST,
        "market1501": MARKET1501,
        "mars": MARS,
        "mevid": MEVID,
        "prid2011": PRID2011,
        "prid2011-all": PRID2011_ALL,
    }
)


def read_data_set(name: str, root: Path) -> DataSet:
    """The data set `name` under `root`, all splits.

    Raises:
        ValueError: When the name is unknown, or the reader finds the layout broken.
    """
    return CATALOGUE[known_data_set(name)].read(root)


def known_data_set(name: str) -> str:
    """The name, when it is in the catalogue.

    Raises:
        ValueError: When it is not, with the nearest one that is.
    """
    if name in CATALOGUE:
        return name
    close = difflib.get_close_matches(name, CATALOGUE, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else "choose one of them"
    raise ValueError(f"expected a data set of {sorted(CATALOGUE)}, received {name!r}; {remedy}")
