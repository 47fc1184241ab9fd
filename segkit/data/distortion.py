"""Barrel and pincushion distortion within a circle, as an albumentations transform."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.environment import environment
from segkit.core.errors import SegkitError

# As in segkit.data.augment: albumentations would ask the package index for newer versions.
with environment(NO_ALBUMENTATIONS_UPDATE="1"):
    from albumentations.augmentations.geometric.distortion import BaseDistortion
    from albumentations.core.transforms_interface import BaseTransformInitSchema


class LensDistortion(BaseDistortion):  # type: ignore[misc]  # albumentations has no types here
    """Swells or shrinks what lies in a circle; outside of it nothing moves.

    A pixel at distance d < R from the centre takes its value from distance
    ``d · sin(π d / 2R) ^ amount``. A positive amount swells the middle (barrel), a negative one
    shrinks it (pincushion). At d = R the two are equal, so that no seam is seen.

    Args:
        radius: R, as a share of the image's width, positive.
        amount: lowest and highest, drawn from evenly; above -1, where the middle would come from
            outside the circle.
        centres: column and row, as shares of width and height; one of them is drawn.
        border_mode: OpenCV's, for what lies outside the image.
        p: share of draws.

    Raises:
        SegkitError: a radius or an amount that is out of range, or no centre.
    """

    class InitSchema(BaseTransformInitSchema):  # type: ignore[misc]
        """What albumentations checks the arguments by."""

        radius: float
        amount: tuple[float, float]
        centres: list[tuple[float, float]]
        border_mode: int

    def __init__(
        self,
        *,
        radius: float,
        amount: tuple[float, float],
        centres: list[tuple[float, float]],
        border_mode: int = cv2.BORDER_REFLECT_101,
        p: float = 0.5,
    ) -> None:
        if radius <= 0 or not -1 < amount[0] <= amount[1] or not centres:
            raise SegkitError(
                "there is no such distortion",
                where=f"LensDistortion: radius={radius}, amount={amount}, centres={centres}",
                remedy="a radius above 0, amounts [low, high] above -1, and at least one centre",
            )
        super().__init__(
            interpolation=cv2.INTER_LINEAR,
            mask_interpolation=cv2.INTER_NEAREST,
            keypoint_remapping_method="mask",
            border_mode=border_mode,
            p=p,
        )
        self.radius, self.amount, self.centres = radius, amount, centres

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, NDArray[np.float32]]:
        """Draw centre and amount, and lay out where each pixel comes from."""
        del data
        rows, columns = params["shape"][:2]
        centre = self.centres[self.py_random.randrange(len(self.centres))]
        amount = self.py_random.uniform(*self.amount)
        return dict(zip(("map_x", "map_y"), self._maps(rows, columns, centre, amount), strict=True))

    def _maps(
        self, rows: int, columns: int, centre: tuple[float, float], amount: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        y, x = np.mgrid[:rows, :columns].astype(np.float32)
        dx, dy = x - centre[0] * columns, y - centre[1] * rows
        share = np.hypot(dx, dy) / (self.radius * columns)
        # At the very middle 0 to a negative power; it stays where it is.
        inside = (share > 0) & (share < 1)
        factor = np.ones_like(share)
        factor[inside] = np.sin(np.pi / 2 * share[inside]) ** amount
        map_x, map_y = dx * factor + centre[0] * columns, dy * factor + centre[1] * rows
        return map_x.astype(np.float32), map_y.astype(np.float32)
