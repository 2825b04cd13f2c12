import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "virtual:theme.css";
import "./style.css";
import { App } from "./App.tsx";
import { Guard } from "./shown/Guard.tsx";

createRoot(document.getElementById("page") as HTMLElement).render(
  <StrictMode>
    <Guard>
      <App />
    </Guard>
  </StrictMode>,
);
