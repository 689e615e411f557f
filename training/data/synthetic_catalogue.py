"""Layout → writer of made-up people in it."""

from collections.abc import Mapping
from types import MappingProxyType

from training.data.synthetic_ccvid import write_ccvid
from training.data.synthetic_dukemtmc_videoreid import write_dukemtmc_videoreid
from training.data.synthetic_layouts import write_market1501, write_tracklet_tree
from training.data.synthetic_lsvid import write_lsvid
from training.data.synthetic_market1501 import write_market1501_official
from training.data.synthetic_mars import write_mars
from training.data.synthetic_mevid import write_mevid
from training.data.synthetic_two_views import write_ilids_vid, write_prid2011
from training.data.synthetic_walks import LayoutWriter

LAYOUT_WRITERS: Mapping[str, LayoutWriter] = MappingProxyType(
    {
        "tracklets": write_tracklet_tree,
        "market1501": write_market1501,
        "market1501-official": write_market1501_official,
        "mars": write_mars,
        "dukemtmcvidreid": write_dukemtmc_videoreid,
        "ilidsvid": write_ilids_vid,
        "prid2011": write_prid2011,
        "lsvid": write_lsvid,
        "ccvid": write_ccvid,
        "mevid": write_mevid,
    }
)
